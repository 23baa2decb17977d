package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newHeldLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls [LIST]", Short: "Show held posts, oldest first", Args: arguments(0, 1),
		Example: "  sangam held ls\n  sangam held ls heplink --json",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			var list uint64
			if len(args) > 0 {
				l, err := s.list(args[0])
				if err != nil {
					return err
				}
				list = l.ID
			}
			held, err := s.HeldPosts(list)
			if err != nil {
				return err
			}
			var rows []row
			for _, h := range held {
				r, err := s.heldRow(h)
				if err != nil {
					return err
				}
				rows = append(rows, r)
			}
			return e.printRows(rows, "id", "list", "received", "from", "subject", "reasons")
		}),
	})
}
