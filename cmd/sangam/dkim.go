package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/dkim"
)

func newDKIM(e *env) *cobra.Command {
	return newGroup("dkim", "The keys that sign copies", "  sangam dkim ls", newDKIMLs(e), newDKIMRotate(e), newDKIMActivate(e), newDKIMRetire(e))
}

// onKeys runs an action on the DKIM keys.
func (e *env) onKeys(act func(ctx context.Context, s *site, r *dkim.Ring) error) func(*cobra.Command, []string) error {
	return e.onStore(func(ctx context.Context, s *site, _ []string) error {
		ring, err := s.ring()
		if err != nil {
			return err
		}
		if ring == nil {
			return errors.New("copies are not signed here: set dkim.enabled = true to change that")
		}
		return act(ctx, s, ring)
	})
}

func newDKIMLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls", Short: "Show the keys, oldest first", Args: arguments(0, 0), Example: "  sangam dkim ls",
		RunE: e.onKeys(func(_ context.Context, _ *site, r *dkim.Ring) error {
			var rows []row
			for _, p := range r.Pairs() {
				for _, k := range p.Keys {
					rows = append(rows, row{"selector": k.Selector, "algorithm": k.Algorithm(), "signing": p.Signing})
				}
			}
			return e.printRows(rows, "selector", "algorithm", "signing")
		}),
	})
}
