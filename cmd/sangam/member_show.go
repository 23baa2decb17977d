package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newMemberShow(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "show ADDRESS", Short: "Show the lists of an address, with its options", Args: arguments(1, 1),
		Example: "  sangam member show asha@example.org",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			a, err := address(args[0])
			if err != nil {
				return err
			}
			ms, err := s.MembershipsOf(a)
			if err != nil {
				return err
			}
			if len(ms) == 0 {
				return fmt.Errorf("%s is a member of no list: add it with `sangam member add`", a)
			}
			var rows []row
			for _, m := range ms {
				l, err := s.ListByID(m.List)
				if err != nil {
					return err
				}
				r := memberRow(m)
				delete(r, "address")
				now := s.parts.Now()
				r["list"], r["failures"], r["last_bounce"], r["last_answer"] = s.name(l), m.Failure.Count, stamp(m.Failure.Last), m.Failure.Answer
				r["bounce_score"], r["bounce_state"] = m.Failure.CurrentScore(now), m.Failure.State(now)
				rows = append(rows, r)
			}
			if e.json {
				return e.printJSON(row{"address": string(a), "lists": rows})
			}
			fmt.Fprintln(e.stdout, a)
			return e.printRows(rows, "list", "name", "role", "delivery", "until", "bounce_state", "bounce_score", "last_bounce", "last_answer")
		}),
	})
}
