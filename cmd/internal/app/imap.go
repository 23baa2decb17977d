package app

import (
	"context"
	"crypto/tls"
	"net"

	"wesouthasians.org/sangam/archive/imapd"
	"wesouthasians.org/sangam/archive/login"
	"wesouthasians.org/sangam/lists/moderate"
)

// addIMAP serves mail clients; imaps is the same server with TLS from the first byte.
func (a *App) addIMAP(gate *login.Gate, desk *moderate.Desk) {
	c := a.Config
	server := imapd.New(imapd.Options{
		Store: a.Store, Login: gate, Moderator: desk, Search: a.Parts.Search, DefaultDomain: c.Domains[0], TLSConfig: a.tls(), MaxConnections: c.IMAP.MaxConnections,
		MaxPerAccount: c.IMAP.MaxPerAccount, MaxPerAddress: c.IMAP.MaxPerAddress, Log: a.log,
	})
	plain := &service{name: "imap", at: c.IMAP.Listen, serve: server.Serve, shutdown: server.Shutdown}
	a.services = append(a.services, plain)
	if secure := a.tls(); secure != nil {
		a.services = append(a.services, &service{name: "imaps", at: c.IMAP.TLSListen, serve: server.Serve,
			wrap:     func(l net.Listener) net.Listener { return tls.NewListener(l, secure) },
			shutdown: func(context.Context) error { return nil }}) // plain ends both
	}
}
