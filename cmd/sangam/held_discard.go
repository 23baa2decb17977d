package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/moderate"
)

func newHeldDiscard(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "discard ID...", Short: "Delete held posts without a word", Args: arguments(1, -1),
		Example: "  sangam held discard 7",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			return e.decide(ctx, s, args, "discarded", func(d *moderate.Desk, id uint64) error { return d.Discard(ctx, id) })
		}),
	})
}
