package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns"
)

func newDKIMActivate(e *env) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "activate", Short: "Sign with the newest keys from now on", Args: arguments(0, 0),
		Long:    "Sign with the newest keys, once their records are in the DNS of every mail domain. The old ones stay published.",
		Example: "  sangam dkim activate",
		RunE: e.onKeys(func(ctx context.Context, s *site, r *dkim.Ring) error {
			if !force {
				if err := published(ctx, s, r); err != nil {
					return err
				}
			}
			p, err := r.Activate()
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s and %s sign from now on; after a week `sangam dkim retire` ends the old ones\n", p.Keys[0].Selector, p.Keys[1].Selector)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "do not look whether the records are published")
	return cmd
}

// published looks for the records of the newest keys.
func published(ctx context.Context, s *site, r *dkim.Ring) error {
	resolver := dns.New(s.config.DNS.Servers)
	pairs := r.Pairs()
	for _, k := range pairs[len(pairs)-1].Keys {
		want, err := k.Record()
		if err != nil {
			return err
		}
		for _, domain := range s.config.Domains {
			name := k.Selector + "._domainkey." + domain
			found, err := resolver.LookupTXT(ctx, name)
			if err != nil || !slices.Contains(found, want) {
				return fmt.Errorf("%s is not in the DNS as `sangam dns` shows it: publish it and wait, or use --force", name)
			}
		}
	}
	return nil
}
