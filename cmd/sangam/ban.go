package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newBan(e *env) *cobra.Command {
	return newGroup("ban", "Addresses that are kept off a list, or off the site", "  sangam ban ls heplink", newBanAdd(e), newBanRemove(e), newBanLs(e))
}

// banned reads [LIST] PATTERN; without a list it is the whole site.
func (s *site) banned(args []string) (list store.List, pattern string, err error) {
	if len(args) > 1 {
		if list, err = s.list(args[0]); err != nil {
			return list, "", err
		}
	}
	pattern, err = store.ParsePattern(args[len(args)-1])
	if err != nil {
		return list, "", usagef("%w", err)
	}
	return list, pattern, nil
}

// where a ban holds.
func (s *site) where(l store.List) string {
	if l.ID == 0 {
		return "the site"
	}
	return string(l.Address())
}

func newBanAdd(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "add [LIST] PATTERN", Short: "Ban an address, a domain or a pattern with *", Args: arguments(1, 2),
		Long: "Ban an address, a domain or a pattern with * from a list, or without LIST from the site. Who is banned cannot join and cannot\n" +
			"post; members stay members until they are removed.",
		Example: "  sangam ban add heplink spammer@example.org\n  sangam ban add heplink example.org\n  sangam ban add '*@*.example'",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, pattern, err := s.banned(args)
			if err != nil {
				return err
			}
			if err := s.AddBan(store.Ban{List: l.ID, Pattern: pattern, Created: s.parts.Now().UTC()}); err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "banned %s from %s\n", pattern, s.where(l))
			return nil
		}),
	}
}

func newBanRemove(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "remove [LIST] PATTERN", Short: "Lift a ban", Args: arguments(1, 2),
		Example: "  sangam ban remove heplink spammer@example.org",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, pattern, err := s.banned(args)
			if err != nil {
				return err
			}
			if err := s.RemoveBan(l.ID, pattern); errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("%s is not banned from %s: `sangam ban ls` shows what is", pattern, s.where(l))
			} else if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s is no longer banned from %s\n", pattern, s.where(l))
			return nil
		}),
	}
}

func newBanLs(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "ls [LIST]", Short: "Show the bans of a list, or of the site", Args: arguments(0, 1),
		Example: "  sangam ban ls\n  sangam ban ls heplink --json",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			var l store.List
			name := ""
			if len(args) > 0 {
				var err error
				if l, err = s.list(args[0]); err != nil {
					return err
				}
				name = s.name(l)
			}
			bans, err := s.Bans(l.ID)
			if err != nil {
				return err
			}
			var rows []row
			for _, b := range bans {
				rows = append(rows, row{"list": name, "pattern": b.Pattern, "created": stamp(b.Created)})
			}
			return e.printRows(rows, "list", "pattern", "created")
		}),
	})
}
