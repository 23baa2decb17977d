package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newListCreate(e *env) *cobra.Command {
	var title, preset string
	var owners, settings []string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a list", Args: arguments(1, 1),
		Long: "Make a list. NAME is heplink, or heplink@lists.example.org for another domain than the first.\n" +
			"Presets: discussion (members post, members read), announcement (moderators post, everyone reads), private\n" +
			"(not advertised, owners approve who joins).",
		Example: "  sangam list create heplink --title \"HepLink\" --owner asha@example.org\n" +
			"  sangam list create news --preset announcement --set footer=\"Sent by the network\"",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			to, err := s.newListAddress(args[0], s.config.Domains[0])
			if err != nil {
				return err
			}
			l := store.List{Name: to.Local(), Domain: to.Domain()}
			if l.Settings, err = store.Preset(preset); err != nil {
				return usage{err}
			}
			if title != "" {
				settings = append([]string{"title=" + title}, settings...)
			}
			if err := assign(settings, l.Settings.Set); err != nil {
				return err
			}
			ms, err := s.owners(owners)
			if err != nil {
				return err
			}
			if l, err = s.CreateList(l, ms...); errors.Is(err, store.ErrExists) {
				return fmt.Errorf("there is a list %s already: choose another name, or change it with `sangam list set`", to)
			} else if err != nil {
				return err
			}
			s.log.Info("created", "list", l.Address())
			if e.json {
				return e.showList(s, l)
			}
			fmt.Fprintf(e.stdout, "created %s\n", l.Address())
			return nil
		}),
	}
	cmd.Flags().StringVar(&title, "title", "", "`TITLE` of the list, shown in List-Id and on the pages")
	cmd.Flags().StringArrayVar(&owners, "owner", nil, "`ADDRESS` of an owner, who becomes a member; may be given again")
	cmd.Flags().StringVar(&preset, "preset", "discussion", "`PRESET` of settings to start from: discussion, announcement or private")
	choices(cmd, "preset", "discussion", "announcement", "private")
	cmd.Flags().StringArrayVar(&settings, "set", nil, "a setting as `KEY=VALUE`; may be given again")
	return e.jsonFlag(cmd)
}

// newListAddress checks the name of a list that is to be.
func (s *site) newListAddress(name, domain string) (store.Address, error) {
	name = strings.ToLower(name)
	if !strings.Contains(name, "@") {
		name += "@" + domain
	}
	local := name[:strings.LastIndex(name, "@")]
	if err := store.ValidateListName(local); err != nil {
		return "", usage{err}
	}
	a, err := address(name)
	if err == nil && !slices.Contains(s.config.Domains, a.Domain()) {
		return "", usagef("%s is no domain of this site: use one of %s, or add it to domains in %s", a.Domain(),
			strings.Join(s.config.Domains, ", "), s.config.File)
	}
	return a, err
}

func (s *site) owners(addresses []string) ([]store.Member, error) {
	var ms []store.Member
	for _, text := range addresses {
		m, err := s.NewMember(0, text, s.parts.Now())
		if err != nil {
			return nil, usage{err}
		}
		m.Role = store.RoleOwner
		ms = append(ms, m)
	}
	return ms, nil
}
