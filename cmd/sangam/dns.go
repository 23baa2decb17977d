package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/zone"
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
			records, err := zone.Records(s.config, ring)
			if err != nil {
				return err
			}
			if err := e.printRows(recordRows(records), "type", "name", "value"); err != nil {
				return err
			}
			if s.config.Delivery.Mode == "relay" {
				fmt.Fprintln(e.stderr, "a relay sends the copies: ask its operator what SPF must name, and put it in place of what is shown")
			}
			if s.config.TLS.Mode == "off" {
				fmt.Fprintln(e.stderr, "the records of MTA-STS (_mta-sts and mta-sts) count once tls.mode is \"acme\" or \"files\": the policy is served from then on")
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

func recordRows(records []zone.Record) (rows []row) {
	for _, r := range records {
		rows = append(rows, row{"type": r.Type, "name": r.Name, "value": r.Value})
	}
	return rows
}
