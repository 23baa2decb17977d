package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newMemberRemove(e *env) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use: "remove LIST ADDRESS", Short: "End a membership", Args: arguments(2, 2),
		Example: "  sangam member remove heplink asha@example.org",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, m, err := s.member(args[0], args[1])
			if err != nil {
				return err
			}
			if err := s.parts.Members.Remove(ctx, l, m.Address, quiet); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "removed %s from %s\n", m.Address, l.Address())
			return nil
		}),
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "mail no goodbye")
	return cmd
}
