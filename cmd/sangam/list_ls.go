package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newListLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls", Short: "Show all lists", Args: arguments(0, 0),
		Example: "  sangam list ls\n  sangam list ls --json",
		RunE: e.onStore(func(_ context.Context, s *site, _ []string) error {
			lists, err := s.Lists()
			if err != nil {
				return err
			}
			var rows []row
			for _, l := range lists {
				r, err := s.listRow(l)
				if err != nil {
					return err
				}
				rows = append(rows, r)
			}
			return e.printRows(rows, "name", "address", "title", "members", "posts")
		}),
	})
}
