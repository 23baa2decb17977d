package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newQueueLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls", Short: "Show what waits, with the last answer of each remote", Args: arguments(0, 0),
		Example: "  sangam queue ls\n  sangam queue ls --json",
		RunE: e.onStore(func(ctx context.Context, s *site, _ []string) error {
			jobs, err := s.Jobs()
			if err != nil {
				return err
			}
			deferrals, err := s.Deferrals(0)
			if err != nil {
				return err
			}
			of := map[uint64][]store.Deferral{}
			for _, d := range deferrals {
				of[d.Job] = append(of[d.Job], d)
			}
			var rows []row
			for _, j := range jobs {
				if err := ctx.Err(); err != nil {
					return err
				}
				rs, err := s.queueRows(j, of[j.ID])
				if err != nil {
					return err
				}
				rows = append(rows, rs...)
			}
			return e.printRows(rows, "id", "list", "recipient", "recipients", "attempts", "next_attempt", "last_answer")
		}),
	})
}
