package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newListRename(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "rename OLD NEW", Short: "Give a list another address", Args: arguments(2, 2),
		Long:    "Give a list another address. Members, settings and archive stay; mail to the old address is refused from then on.",
		Example: "  sangam list rename heplink hepatitis",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			to, err := s.newListAddress(args[1], l.Domain)
			if err != nil {
				return err
			}
			if _, err := s.RenameList(l.ID, to); errors.Is(err, store.ErrExists) {
				return fmt.Errorf("there is a list %s already: choose another name", to)
			} else if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "renamed %s to %s\n", l.Address(), to)
			return nil
		}),
	}
}
