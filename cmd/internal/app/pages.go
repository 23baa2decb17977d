package app

import (
	"wesouthasians.org/sangam/archive/login"
	"wesouthasians.org/sangam/archive/web"
	listweb "wesouthasians.org/sangam/lists/web"
)

// addPages serves the pages; https is the same site with TLS.
func (a *App) addPages(gate *login.Gate) {
	c := a.Config
	site := web.New(web.Options{
		Store: a.Store, Login: gate, URL: c.Web.URL, DefaultDomain: c.Domains[0], Name: c.Domains[0], Now: a.Now, Log: a.log,
	})
	listweb.Register(site, listweb.Options{Store: a.Store, Addresses: a.Parts.Addresses, Members: a.Parts.Members, Clerk: a.Parts.Clerk})
	a.addHTTP("http", c.Web.Listen, nil, site.Handler())
	if len(c.Web.TLSListen) > 0 {
		a.addHTTP("https", c.Web.TLSListen, a.tls("h2", "http/1.1"), site.Handler())
	}
}
