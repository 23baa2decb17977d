package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/moderate"
)

func newHeldReject(e *env) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "reject ID...", Short: "Delete held posts, for a reason", Args: arguments(1, -1),
		Long:    "Delete held posts. Their authors get mail with the reason, unless it is not sure who they are.",
		Example: "  sangam held reject 7 --reason \"Please write to the owners about this.\"",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			return e.decide(ctx, s, args, "rejected", func(d *moderate.Desk, id uint64) error { return d.Reject(ctx, id, reason) })
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, as `TEXT`")
	return e.jsonFlag(cmd)
}
