package scan

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/store"
)

func TestScan(t *testing.T) {
	var got *http.Request
	var body string
	answer := `{"action":"add header","score":7.5,"required_score":15}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		io.WriteString(w, answer)
	}))
	defer s.Close()
	r := &Rspamd{URL: s.URL, Timeout: time.Second}
	e := intake.Envelope{ID: "ABC", Remote: netip.MustParseAddrPort("192.0.2.1:25"), Helo: "mail\r\nX: y", Sender: "a@example.org"}
	v, err := r.Scan(t.Context(), e, []string{"heplink@lists.example.org", "b@lists.example.org"}, []byte("Subject: x\r\n\r\n"))
	if want := "the content check finds it suspicious: score 7.5 of 15.0"; err != nil || v != want {
		t.Errorf("%q %v, want %q", v, err, want)
	}
	if got.URL.Path != "/checkv2" || got.Header.Get("IP") != "192.0.2.1" || got.Header.Get("Helo") != "mail??X: y" || len(got.Header["Rcpt"]) != 2 || body != "Subject: x\r\n\r\n" {
		t.Errorf("asked %s %v %q", got.URL, got.Header, body)
	}
	for action, code := range map[string]int{"no action": 0, "new action": 0, "greylist": 451, "soft reject": 451, "reject": 550} {
		answer = `{"action":"` + action + `","messages":{"smtp_message":"looks\nlike spam"}}`
		v, err := r.Scan(t.Context(), e, nil, nil)
		var refusal *store.Refusal
		if errors.As(err, &refusal); v != "" || code == 0 && err != nil || code != 0 && (refusal == nil || refusal.Code != code || refusal.Public != "looks?like spam") {
			t.Errorf("%s: %q %v", action, v, err)
		}
	}
	for _, answer = range []string{"", "{}", "[1]", `{"action":3}`, "no JSON"} {
		if v, err := r.Scan(t.Context(), e, nil, nil); err == nil {
			t.Errorf("%q is %q", answer, v)
		}
	}
	s.Close()
	if _, err := r.Scan(t.Context(), e, nil, nil); err == nil || !strings.Contains(err.Error(), "content check") {
		t.Errorf("nobody there: %v", err)
	}
}
