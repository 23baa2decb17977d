package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newDigest(e *env) *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use: "digest LIST --now", Short: "Send the digest of a list now", Args: arguments(1, 1),
		Long: "Send what waits to each digest member of a list now, without waiting for the list's hour, and print the number of mails.\n" +
			"Digests go out by themselves by the settings digest_every, digest_size, digest_hour and timezone.",
		Example: "  sangam digest heplink --now",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			if !now {
				return usagef("say `sangam digest %s --now`: without it digests go out by themselves, see `sangam list show %s`", args[0], args[0])
			}
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			n, err := s.parts.Digests.Send(ctx, l)
			if err != nil {
				return err
			}
			if e.json {
				return e.printJSON(row{"list": s.name(l), "mails": n})
			}
			fmt.Fprintln(e.stdout, n)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&now, "now", false, "send at once")
	return e.jsonFlag(cmd)
}
