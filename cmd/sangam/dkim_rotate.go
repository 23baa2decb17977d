package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/dkim"
)

func newDKIMRotate(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Make new keys, to be published beside the old ones", Args: arguments(0, 0),
		Long:    "Make a new pair of keys. The old ones go on signing until `sangam dkim activate`, so that there is time to publish the new records.",
		Example: "  sangam dkim rotate",
		RunE: e.onKeys(func(_ context.Context, _ *site, r *dkim.Ring) error {
			p, err := r.Rotate()
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "new keys %s and %s: publish their records, see `sangam dns`, and a day later run `sangam dkim activate`\n", p.Keys[0].Selector, p.Keys[1].Selector)
			return nil
		}),
	}
}
