package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/moderate"
)

func newHeldApprove(e *env) *cobra.Command {
	var trust bool
	cmd := &cobra.Command{
		Use: "approve ID...", Short: "Distribute held posts", Args: arguments(1, -1),
		Example: "  sangam held approve 7\n  sangam held approve 7 8 9\n  sangam held approve 7 --trust",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			return e.decide(ctx, s, args, "approved", func(d *moderate.Desk, id uint64) (err error) {
				if trust {
					_, err = d.Trust(ctx, id)
				} else {
					_, err = d.Approve(ctx, id)
				}
				return err
			})
		}),
	}
	cmd.Flags().BoolVar(&trust, "trust", false, "let their authors through from now on")
	return e.jsonFlag(cmd)
}
