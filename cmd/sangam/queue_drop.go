package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newQueueDrop(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "drop ID", Short: "Give up what is not delivered of a job", Args: arguments(1, 1),
		Long:    "Give up what is not delivered of a job. The post stays in the archive.",
		Example: "  sangam queue drop 12",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			j, err := s.job(args[0])
			if err != nil {
				return err
			}
			if err := s.DropJob(j.ID); err != nil {
				return err
			}
			s.log.Info("dropped", "job", j.ID)
			fmt.Fprintf(e.stdout, "dropped %d\n", j.ID)
			return nil
		}),
	}
}
