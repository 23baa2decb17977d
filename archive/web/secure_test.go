package web_test

import (
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/store/storetest"
)

// A password is taken over TLS, from this machine, and from a proxy that did TLS; never over the network in the clear.
func TestLoginNeedsTLS(t *testing.T) {
	st := storetest.NewStore(t)
	for _, c := range []struct {
		url, method, remote, forwarded string
		tls                            bool
		want                           int
	}{
		{"https://lists.example.org", "GET", "192.0.2.1:1", "", false, 302},
		{"https://lists.example.org", "POST", "192.0.2.1:1", "", false, 403},
		{"http://lists.example.org", "GET", "192.0.2.1:1", "", false, 403},
		{"https://lists.example.org", "GET", "192.0.2.1:1", "", true, 200},
		{"https://lists.example.org", "GET", "192.0.2.1:1", "https", false, 200},
		{"http://127.0.0.1:8080", "GET", "127.0.0.1:1", "", false, 200},
		{"http://127.0.0.1:8080", "GET", "[::1]:1", "", false, 200},
	} {
		h := web.New(web.Options{Store: st, Login: gate{st}, URL: c.url, DefaultDomain: "lists.example.org", Log: slog.New(slog.DiscardHandler)}).Handler()
		r := httptest.NewRequest(c.method, "/login?to=%2Fx", strings.NewReader("address=asha%40example.org&password=secret"))
		r.RemoteAddr, r.TLS = c.remote, nil
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		r.Header.Set("X-Forwarded-Proto", c.forwarded)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || w.Code == 302 && w.Header().Get("Location") != "https://lists.example.org/login?to=%2Fx" {
			t.Errorf("%+v: %d %s", c, w.Code, w.Header().Get("Location"))
		}
	}
}
