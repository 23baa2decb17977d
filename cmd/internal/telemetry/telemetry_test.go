package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestFatesAreLoggedAndCounted(t *testing.T) {
	var out bytes.Buffer
	var level slog.LevelVar
	tel := New(NewHandler(&out, "json", &level), func() error { return nil })
	log := tel.Log.With("list", "heplink")
	log.Info("accepted", "number", 1)
	log.Info("started")
	level.Set(slog.LevelWarn)
	log.Info("accepted", "number", 2)
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), `"list":"heplink","number":1`) {
		t.Errorf("log: %s", out.String())
	}
	tel.Copies("delivered", 150)
	_, metrics := get(t, tel.Handler(), "/metrics")
	for _, want := range []string{`sangam_fates_total{fate="accepted"} 2`, `sangam_fates_total{fate="held"} 0`, `sangam_copies_total{fate="delivered"} 150`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(metrics, "started") {
		t.Error("a line that is no fate was counted")
	}
}

func TestReady(t *testing.T) {
	var trouble error
	tel := New(slog.DiscardHandler, func() error { return trouble })
	check := func(want int) {
		t.Helper()
		if got, body := get(t, tel.Handler(), "/readyz"); got != want {
			t.Errorf("ready: %d %s, want %d", got, body, want)
		}
	}
	check(503)
	tel.SetUp(true)
	check(200)
	trouble = errors.New("disk full")
	check(503)
	if got, _ := get(t, tel.Handler(), "/healthz"); got != 200 {
		t.Errorf("health: %d", got)
	}
	tel.SetUp(false)
	check(503)
}

func TestLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError} {
		if got := Level(name); got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
}
