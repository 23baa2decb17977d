package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// secure keeps a page that takes a password from being used where others can read along: over plain HTTP from another machine. A proxy says
// that it took the request over TLS by being on this machine, or by X-Forwarded-Proto.
func (s *Site) secure(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		switch {
		case r.TLS != nil, err == nil && remote.Addr().Unmap().IsLoopback(), r.Header.Get("X-Forwarded-Proto") == "https":
			page(w, r)
		case !strings.HasPrefix(s.URL, "https:"):
			s.forbidden(w, r, "Logging in needs https, which this site does not have yet: its administrator can set [tls] in the configuration, and web.url.")
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, s.URL+r.URL.RequestURI(), http.StatusFound)
		default:
			s.forbidden(w, r, "Passwords are taken over https only: log in at "+s.URL+"/login.")
		}
	}
}
