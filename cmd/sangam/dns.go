package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/smtpd/dkim"
)

func newDNS(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "dns", Short: "Show the DNS records to publish", Args: arguments(0, 0),
		Long: "Show the records that let mail of the lists arrive and be believed. DKIM keys are made when they are missing. A long TXT value is\n" +
			"one string here; most providers take it so and divide it themselves.",
		Example: "  sangam dns\n  sangam dns --json",
		RunE: e.onStore(func(_ context.Context, s *site, _ []string) error {
			ring, err := s.ring()
			if err != nil {
				return err
			}
			rows, err := dnsRecords(s.config, ring)
			if err != nil {
				return err
			}
			if err := e.printRows(rows, "type", "name", "value"); err != nil {
				return err
			}
			if s.config.Delivery.Mode == "relay" {
				fmt.Fprintln(e.stderr, "a relay sends the copies: ask its operator what SPF must name, and put it in place of what is shown")
			}
			return nil
		}),
	})
}

// ring opens the DKIM keys, nil when nothing is signed here.
func (s *site) ring() (*dkim.Ring, error) {
	if s.keys != nil || !s.config.DKIM.Enabled {
		return s.keys, nil
	}
	return dkim.Open(s.config.Keys(), s.config.DKIM.Selector)
}

// dnsRecords of every mail domain.
func dnsRecords(c *config.Config, ring *dkim.Ring) ([]row, error) {
	var rows []row
	add := func(kind, name, value string) { rows = append(rows, row{"type": kind, "name": name, "value": value}) }
	for _, domain := range c.Domains {
		add("MX", domain, "10 "+c.Hostname)
		add("TXT", domain, spfRecord(c))
		policy := "none"
		if ring != nil {
			policy = "quarantine" // all that is sent for the domain is signed
		}
		add("TXT", "_dmarc."+domain, "v=DMARC1; p="+policy+"; rua=mailto:postmaster@"+domain)
		if ring != nil {
			for _, p := range ring.Pairs() {
				for _, k := range p.Keys {
					record, err := k.Record()
					if err != nil {
						return nil, err
					}
					add("TXT", k.Selector+"._domainkey."+domain, record)
				}
			}
		}
	}
	return rows, nil
}

// spfRecord names who sends the copies.
func spfRecord(c *config.Config) string {
	if u, err := url.Parse(c.Delivery.Relay); c.Delivery.Mode == "relay" && err == nil && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
		return "v=spf1 mx a:" + u.Hostname() + " ~all"
	}
	return "v=spf1 mx -all"
}
