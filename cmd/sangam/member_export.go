package main

import (
	"context"
	"encoding/csv"

	"github.com/spf13/cobra"
)

func newMemberExport(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "export LIST", Short: "Write the members as CSV", Args: arguments(1, 1),
		Example: "  sangam member export heplink > members.csv",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			w := csv.NewWriter(e.stdout)
			w.Write(rosterColumns)
			for m, err := range s.Members(l.ID, "") {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return err
				}
				w.Write([]string{m.Mailbox, m.Name, string(m.Role), string(m.Delivery)})
			}
			w.Flush()
			return w.Error()
		}),
	}
}
