package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newMemberAdd(e *env) *cobra.Command {
	var name, role, delivery string
	var quiet bool
	cmd := &cobra.Command{
		Use: "add LIST ADDRESS", Short: "Make somebody a member at once, without confirmation", Args: arguments(2, 2),
		Example: "  sangam member add heplink asha@example.org --name \"Asha Rao\"\n  sangam member add heplink ravi@example.org --role moderator",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			m, err := s.NewMember(l.ID, args[1], s.parts.Now())
			if err != nil {
				return usage{err}
			}
			if err := assign([]string{"name=" + name, "role=" + role, "delivery=" + delivery}, m.Set); err != nil {
				return err
			}
			if err := s.parts.Members.Add(ctx, l, m, quiet); errors.Is(err, store.ErrExists) {
				return fmt.Errorf("%s is a member of %s already: change it with `sangam member set`", m.Address, l.Address())
			} else if err != nil {
				return err
			}
			switch {
			case e.json:
				return e.printJSON(memberRow(m))
			case !quiet:
				fmt.Fprintf(e.stdout, "added %s to %s\n", m.Address, l.Address())
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "`NAME` of the person")
	cmd.Flags().StringVar(&role, "role", "member", "`ROLE`: member, moderator or owner")
	cmd.Flags().StringVar(&delivery, "delivery", "each", "`MODE`: each, digest, digest-text, index or none")
	choices(cmd, "role", "member", "moderator", "owner")
	choices(cmd, "delivery", "each", "digest", "digest-text", "index", "none")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "say nothing and mail no welcome")
	return e.jsonFlag(cmd)
}
