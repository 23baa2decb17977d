package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newMemberLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls LIST", Short: "Show the members of a list", Args: arguments(1, 1),
		Example: "  sangam member ls heplink\n  sangam member ls heplink --json",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			var rows []row
			for m, err := range s.Members(l.ID, "") {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return err
				}
				rows = append(rows, memberRow(m))
			}
			return e.printRows(rows, "address", "name", "role", "delivery")
		}),
	})
}
