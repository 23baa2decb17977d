package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/archive/login"
	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/smtpd"
	"wesouthasians.org/sangam/smtpd/auth"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns"
	"wesouthasians.org/sangam/smtpd/scan"
)

// wire makes the parts, from the left of the design to its right.
func (a *App) wire() (err error) {
	c, st := a.Config, a.Store
	a.dns = dns.New(c.DNS.Servers)
	a.policies = &auth.Policies{Resolver: a.dns}
	if c.DKIM.Enabled {
		if a.Keys, err = dkim.Open(c.Keys(), c.DKIM.Selector); err != nil {
			return err
		}
	}
	a.Parts = NewParts(c, st, a.Now, a.log)
	in := intake.New(intake.Options{
		Store: st, Addresses: a.Parts.Addresses, Members: a.Parts.Members, Clerk: a.Parts.Clerk, Desk: a.Parts.Desk, Site: Site(c),
		Admins: a.Parts.Members.Admins, Now: a.Now, Log: a.log,
	})
	a.addSMTP("smtp", c.SMTP.Listen, false, in)
	a.addSMTP("lmtp", c.SMTP.LMTPListen, true, in)
	if err := a.addDelivery(a.Parts.Addresses); err != nil {
		return err
	}
	gate := login.New(st, a.log)
	a.addIMAP(gate, a.Parts.Desk)
	a.addPages(gate)
	a.followers = append(a.followers, &chores{a.Parts, st, a.log}, files.New(st, c.Web.URL, a.log), a.Parts.Search)
	if c.Metrics.Listen != "" {
		a.addHTTP("metrics", []string{c.Metrics.Listen}, nil, a.telemetry.Handler())
	}
	return nil
}

func (a *App) addSMTP(name string, at []string, lmtp bool, in *intake.Intake) {
	c := a.Config
	var scanner smtpd.Scanner
	if c.Content.URL != "" {
		scanner = &scan.Rspamd{URL: c.Content.URL, Timeout: time.Duration(c.Content.Timeout)}
	}
	server := smtpd.New(smtpd.Options{
		Scanner: scanner, DeferUnscanned: c.Content.OnFailure == "defer", Resolver: a.dns, Blocklists: c.SMTP.DNSBL, Greylist: c.SMTP.Greylist,
		EarlyTalkers: c.SMTP.RefuseEarlyTalkers,
		Hostname:     c.Hostname, Handler: in, MaxMessageSize: int64(c.SMTP.MaxMessageSize), MaxConnections: c.SMTP.MaxConnections,
		Verifier: auth.New(auth.Options{Hostname: c.Hostname, Resolver: a.dns, TrustedServers: c.SMTP.TrustedAuthservIDs,
			TrustedSealers: c.SMTP.TrustedARCSealers, Now: a.Now}, a.policies),
		Trusted: c.SMTP.TrustedPrefixes(), TLSConfig: a.tls(), LMTP: lmtp, Log: a.log,
	})
	a.services = append(a.services, &service{name: name, at: at, serve: server.Serve, shutdown: server.Shutdown})
}

func (a *App) addDelivery(addresses *lists.Addresses) error {
	d := a.Config.Delivery
	var transport deliver.Transport
	var err error
	perDestination := 0
	switch d.Mode {
	case "direct":
		perDestination = d.ConnectionsPerDomain
		transport = deliver.NewDirect(deliver.DirectOptions{Hostname: a.Config.Hostname, Resolver: a.dns, Port: d.Port,
			Loopback: len(a.Config.DNS.Servers) > 0, Connections: d.Connections, Policy: a.tlsPolicy()})
	case "relay":
		transport, err = deliver.NewRelay(deliver.RelayOptions{URL: d.Relay, TLS: d.RelayTLS, Hostname: a.Config.Hostname, Connections: d.Connections})
	default:
		transport, err = deliver.NewCapture(d.CaptureDir)
	}
	if err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	a.followers = append(a.followers, deliver.New(deliver.Options{
		Store: a.Store, Addresses: addresses, Transport: transport, WebURL: a.Config.Web.URL, Attachment: web.NewLinks(a.Store, a.Config.Web.URL, a.Config.Domains[0]).Attachment, Stamp: a.stamp(), Connections: d.Connections,
		PerDestination: perDestination, RetryFor: time.Duration(d.RetryFor), Now: a.Now, Log: a.log, Count: a.countCopies,
	}))
	return nil
}

// stamp is what delivery adds to every copy.
func (a *App) stamp() deliver.Stamp {
	s := deliver.Stamp{Hostname: a.Config.Hostname, Domain: a.Config.Domains[0], Protected: a.protected}
	if a.Keys != nil {
		s.Keys = a.Keys.Keys
	}
	return s
}

// policyTime bounds the questions about the policy of an author's domain.
const policyTime = 15 * time.Second

// protected tells whether a domain publishes a policy for which From is rewritten. When the DNS does not answer, a rewritten From is the safe
// one: it arrives everywhere.
func (a *App) protected(ctx context.Context, domain string) bool {
	ctx, cancel := context.WithTimeout(ctx, policyTime)
	defer cancel()
	p, err := a.policies.Of(ctx, domain)
	if err != nil {
		a.log.Warn("the DMARC policy is not known, From is rewritten", "domain", domain, "cause", err)
		return true
	}
	return p.Protected()
}

func (a *App) countCopies(k deliver.Kind, n int) {
	switch k {
	case deliver.Delivered:
		a.telemetry.Copies("delivered", n)
	case deliver.Failed:
		a.telemetry.Copies("failed", n)
	default:
		a.telemetry.Copies("deferred", n)
	}
}

// Limits of a web client, which may be slow.
const (
	headerTime = 15 * time.Second
	readTime   = time.Minute
	writeTime  = 10 * time.Minute // of a large mbox on a slow line
	idleTime   = 2 * time.Minute
	headerSize = 32 << 10
)

// addHTTP serves a handler, with TLS when there is a configuration for it.
func (a *App) addHTTP(name string, at []string, secure *tls.Config, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, MaxHeaderBytes: headerSize, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	s := &service{name: name, at: at, serve: serveHTTP(server), shutdown: server.Shutdown}
	if secure != nil {
		s.wrap = func(l net.Listener) net.Listener { return tls.NewListener(l, secure) }
	}
	a.services = append(a.services, s)
}
