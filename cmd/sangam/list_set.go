package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newListSet(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "set NAME KEY=VALUE...", Short: "Change settings of a list", Args: arguments(2, -1),
		Long:    "Change settings of a list, all of them or, when one is wrong, none. `sangam list show NAME` shows the keys.",
		Example: "  sangam list set heplink archive=public reply_to=list\n  sangam list set heplink subject_prefix=\"[{name} {number}] \"",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			l, err = s.UpdateList(l.ID, func(l *store.List) error { return assign(args[1:], l.Settings.Set) })
			if err != nil || !e.json {
				return err
			}
			return e.showList(s, l)
		}),
	})
}
