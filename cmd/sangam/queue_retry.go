package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newQueueRetry(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "retry [ID]", Short: "Try again now, one job or all", Args: arguments(0, 1),
		Example: "  sangam queue retry\n  sangam queue retry 12",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			var id uint64
			if len(args) > 0 {
				j, err := s.job(args[0])
				if err != nil {
					return err
				}
				id = j.ID
			}
			if err := s.RetryNow(id, s.parts.Now()); err != nil {
				return err
			}
			fmt.Fprintln(e.stdout, "due now")
			return nil
		}),
	}
}
