package app

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"wesouthasians.org/sangam/archive/login"
	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/cmd/internal/acme"
	listweb "wesouthasians.org/sangam/lists/web"
	"wesouthasians.org/sangam/smtpd/mtasts"
)

// addPages serves the pages; https is the same site with TLS.
func (a *App) addPages(gate *login.Gate) {
	c := a.Config
	site := web.New(web.Options{
		Store: a.Store, Login: gate, Search: a.Parts.Search, URL: c.Web.URL, DefaultDomain: c.Domains[0], Name: c.Domains[0], Now: a.Now, Log: a.log,
	})
	listweb.Register(site, listweb.Options{Store: a.Store, Addresses: a.Parts.Addresses, Members: a.Parts.Members, Clerk: a.Parts.Clerk})
	plain, secure := site.Handler(), site.Handler()
	if c.TLS.Mode != "off" {
		plain, secure = a.policyHost(plain), a.policyHost(secure)
	}
	if len(c.Web.TLSListen) > 0 && strings.HasPrefix(c.Web.URL, "https:") {
		plain = toTLS(c.Web.URL, plain)
	}
	protocols := []string{"h2", "http/1.1"}
	if a.acme != nil {
		plain, secure, protocols = a.acme.Challenge(plain), a.acme.Challenge(secure), append(protocols, acme.Protocol)
	}
	a.addHTTP("http", c.Web.Listen, nil, plain)
	if len(c.Web.TLSListen) > 0 {
		a.addHTTP("https", c.Web.TLSListen, a.tls(protocols...), secure)
	}
}

// policyHost serves our MTA-STS policy at the hosts mta-sts.DOMAIN, and all else as before.
func (a *App) policyHost(next http.Handler) http.Handler {
	text := mtasts.Ours(a.Config.Hostname).String()
	hosts := map[string]bool{}
	for _, d := range a.Config.Domains {
		hosts["mta-sts."+d] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if r.URL.Path != mtasts.Path || !hosts[strings.ToLower(host)] {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		io.WriteString(w, text)
	})
}

// toTLS sends browsers on other machines to https. A proxy has done TLS already: it is on this machine, or says so.
func toTLS(url string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || remote.Addr().Unmap().IsLoopback() || r.Header.Get("X-Forwarded-Proto") == "https" {
			next.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, url+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
}
