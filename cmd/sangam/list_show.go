package main

import (
	"context"
	"maps"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newListShow(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "show NAME", Short: "Show a list and its settings", Args: arguments(1, 1),
		Example: "  sangam list show heplink",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			return e.showList(s, l)
		}),
	})
}

func (e *env) showList(s *site, l store.List) error {
	r, err := s.listRow(l)
	if err != nil {
		return err
	}
	maps.Copy(r, l.Settings.Values())
	return e.printOne(r, append([]string{"name", "address", "members", "posts", "created"}, store.SettingKeys()...)...)
}
