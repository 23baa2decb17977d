package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/dkim"
)

func newDKIMRetire(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "retire", Short: "Delete the keys that are older than those that sign", Args: arguments(0, 0),
		Example: "  sangam dkim retire",
		RunE: e.onKeys(func(_ context.Context, _ *site, r *dkim.Ring) error {
			gone, err := r.Retire()
			for _, p := range gone {
				fmt.Fprintf(e.stdout, "deleted %s and %s: their records can go from the DNS\n", p.Keys[0].Selector, p.Keys[1].Selector)
			}
			if err == nil && len(gone) == 0 {
				fmt.Fprintln(e.stdout, "no keys are older than those that sign")
			}
			return err
		}),
	}
}
