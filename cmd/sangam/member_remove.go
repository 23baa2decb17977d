package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/member"
)

func newMemberRemove(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "remove LIST ADDRESS", Short: "End a membership", Args: arguments(2, 2),
		Example: "  sangam member remove heplink asha@example.org",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, m, err := s.member(args[0], args[1])
			if err != nil {
				return err
			}
			if err := member.New(s.Store, s.log).Remove(ctx, l, m.Address); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "removed %s from %s\n", m.Address, l.Address())
			return nil
		}),
	}
}
