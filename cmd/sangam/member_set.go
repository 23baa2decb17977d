package main

import (
	"context"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newMemberSet(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "set LIST ADDRESS KEY=VALUE...", Short: "Change options of a member", Args: arguments(3, -1),
		Long: "Change options of a member, all of them or, when one is wrong, none. The keys: name, role (member, moderator, owner),\n" +
			"delivery (each, digest, digest-text, index, none), ack, own_posts, no_duplicates, conceal, language, attachments (keep, link), until (a date).",
		Example: "  sangam member set heplink asha@example.org role=owner own_posts=false\n  sangam member set heplink ravi@example.org until=2027-01-31",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, m, err := s.member(args[0], args[1])
			if err != nil {
				return err
			}
			m, err = s.UpdateMember(l.ID, m.Address, func(m *store.Member) error { return assign(args[2:], m.Set) })
			if err != nil || !e.json {
				return err
			}
			return e.printJSON(memberRow(m))
		}),
	})
}
