package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/smtpd/mtasts"
)

func withFiles(t *testing.T) string {
	dir := t.TempDir()
	writeCertificate(t, dir, "lists.example.org")
	return fmt.Sprintf("[tls]\nmode = \"files\"\ncert = %q\nkey = %q\n", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
}

// With TLS our MTA-STS policy is at its own host, and nowhere else.
func TestPolicyOfOurDomains(t *testing.T) {
	ask := func(a *App, host string) (int, string) {
		r, err := http.NewRequest(http.MethodGet, "http://"+a.Addr("http")+mtasts.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	a, stop := begin(t, withFiles(t))
	for _, host := range []string{"mta-sts.lists.example.org", "MTA-STS.lists.example.org:443"} {
		if status, text := ask(a, host); status != 200 || text != "version: STSv1\r\nmode: enforce\r\nmx: lists.example.org\r\nmax_age: 604800\r\n" {
			t.Errorf("%s: %d %q", host, status, text)
		}
	}
	if status, _ := ask(a, "lists.example.org"); status != 404 {
		t.Errorf("at the host of the pages: %d", status)
	}
	stop()
	a, _ = begin(t, "")
	if status, _ := ask(a, "mta-sts.lists.example.org"); status != 404 {
		t.Errorf("without TLS: %d", status)
	}
}

func TestReadinessTellsOfACertificateThatEnds(t *testing.T) {
	a, _ := begin(t, withFiles(t)) // it ends within the hour
	var status int
	var body string
	for deadline := time.Now().Add(10 * time.Second); status != 200 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		status, body = get(t, "http://"+a.Addr("metrics")+"/readyz")
	}
	if status != 200 || !strings.Contains(body, "cert.pem ends at ") || !strings.Contains(body, "renew it") {
		t.Errorf("%d %s", status, body)
	}
	if _, metrics := get(t, "http://"+a.Addr("metrics")+"/metrics"); !strings.Contains(metrics, "sangam_certificate_end_seconds 1.") {
		t.Error("the metrics do not tell when it ends")
	}
}

func TestPlainPagesLeadToTLS(t *testing.T) {
	h := toTLS("https://lists.example.org", http.NotFoundHandler())
	for _, c := range []struct {
		remote, forwarded string
		want              int
	}{{"192.0.2.1:5000", "", 308}, {"127.0.0.1:5000", "", 404}, {"[::1]:5000", "", 404}, {"192.0.2.1:5000", "https", 404}} {
		r := httptest.NewRequest("POST", "http://other.example/u/x?y=z", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-Proto", c.forwarded)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || w.Code == 308 && w.Header().Get("Location") != "https://lists.example.org/u/x?y=z" {
			t.Errorf("%+v: %d to %q", c, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestRequiredTLS(t *testing.T) {
	for _, c := range []struct {
		list, domain string
		want         bool
	}{{"example.org", "example.org", true}, {"example.org", "a.example.org", false}, {"*.example.org", "a.example.org", true},
		{"*.example.org", "example.org", false}, {"*.example.org", "badexample.org", false}, {"*", "any.example", true}, {"", "example.org", false}} {
		if got := requiresTLS(strings.Fields(c.list), c.domain); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestNamesOfCertificates(t *testing.T) {
	c := &config.Config{Hostname: "mail.example.org", Domains: []string{"lists.example.org", "other.example"}}
	for url, want := range map[string]string{
		"https://www.example.org:8443": "mail.example.org www.example.org mta-sts.lists.example.org mta-sts.other.example",
		"https://mail.example.org":     "mail.example.org mta-sts.lists.example.org mta-sts.other.example",
		"http://127.0.0.1:8080":        "mail.example.org mta-sts.lists.example.org mta-sts.other.example",
		"http://localhost":             "mail.example.org mta-sts.lists.example.org mta-sts.other.example",
	} {
		c.Web.URL = url
		if got := strings.Join(c.Names(), " "); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
