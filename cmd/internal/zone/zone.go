// Package zone tells what a site should publish in the DNS, so that its mail arrives and is believed. The commands dns and init show it, and
// package doctor compares it with what is published.
package zone

import (
	"net/url"
	"strings"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/mtasts"
)

// Record of the DNS. The name is whole, without a dot at its end; the value of a TXT record is one string.
type Record struct{ Type, Name, Value string }

// Records of every mail domain; without keys none of DKIM.
func Records(c *config.Config, keys *dkim.Ring) ([]Record, error) {
	var rs []Record
	add := func(kind, name, value string) { rs = append(rs, Record{kind, name, value}) }
	for _, domain := range c.Domains {
		add("MX", domain, "10 "+c.Hostname)
		add("TXT", domain, spf(c))
		policy := "none"
		if keys != nil {
			policy = "quarantine" // all that is sent for the domain is signed
		}
		add("TXT", "_dmarc."+domain, "v=DMARC1; p="+policy+"; rua=mailto:postmaster@"+domain)
		if keys != nil {
			for _, pair := range keys.Pairs() {
				for _, k := range pair.Keys {
					value, err := k.Record()
					if err != nil {
						return nil, err
					}
					add("TXT", k.Selector+"._domainkey."+domain, value)
				}
			}
		}
		add("TXT", "_mta-sts."+domain, mtasts.Ours(c.Hostname).Record())
		add("CNAME", "mta-sts."+domain, pages(c))
		add("TXT", "_smtp._tls."+domain, "v=TLSRPTv1; rua=mailto:postmaster@"+domain)
	}
	return rs, nil
}

// spf names who sends the copies.
func spf(c *config.Config) string {
	if relay := RelayElsewhere(c); relay != "" {
		return "v=spf1 mx a:" + relay + " ~all"
	}
	return "v=spf1 mx -all"
}

// RelayElsewhere is the host of a relay on another machine; empty when this machine sends the copies.
func RelayElsewhere(c *config.Config) string {
	u, err := url.Parse(c.Delivery.Relay)
	if c.Delivery.Mode != "relay" || err != nil {
		return ""
	}
	if h := u.Hostname(); h != "localhost" && h != "::1" && !strings.HasPrefix(h, "127.") {
		return h
	}
	return ""
}

// pages is the host that serves web.url over TLS, and so the MTA-STS policies.
func pages(c *config.Config) string {
	if host := c.WebHost(); host != "" && strings.HasPrefix(c.Web.URL, "https:") {
		return host
	}
	return c.Hostname
}
