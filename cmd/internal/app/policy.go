package app

import (
	"context"
	"strings"

	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/mtasts"
)

// tlsPolicy tells what TLS mail to a domain needs: as delivery.require_tls says, and as the domain itself does (MTA-STS).
func (a *App) tlsPolicy() func(context.Context, string) deliver.TLSPolicy {
	c := a.Config
	known := mtasts.NewCache(mtasts.Fetcher{Resolver: a.dns, Loopback: len(c.DNS.Servers) > 0}, c.MTASTS(), a.Now, a.log)
	return func(ctx context.Context, domain string) deliver.TLSPolicy {
		t := deliver.TLSPolicy{Required: requiresTLS(c.Delivery.RequireTLS, domain)}
		if p := known.Policy(ctx, domain); p.Mode == mtasts.Enforce {
			t.Required, t.Allowed = true, p.Allows
		}
		return t
	}
}

// requiresTLS looks for a domain in a list of "example.org", "*.example.org" (those below it) and "*".
func requiresTLS(list []string, domain string) bool {
	for _, item := range list {
		suffix, wild := strings.CutPrefix(item, "*")
		if item == domain || wild && strings.HasSuffix(domain, suffix) {
			return true
		}
	}
	return false
}
