package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newArchiveRemove(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "remove LIST MESSAGE-ID", Short: "Take a post out of the archive", Args: arguments(2, 2),
		Long: "Take a post out of the archive, and every other with the same Message-ID. Its number is never used again; its page\n" +
			"says that it was removed. Copies that were mailed are out of reach.",
		Example: "  sangam archive remove heplink '<20261124.1@mail.example.org>'",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(args[1]), "<"), ">")
			numbers, err := s.PostsByMessageID(l.ID, id)
			if err != nil {
				return err
			}
			removed := []uint64{}
			for _, n := range numbers {
				p, err := s.Post(l.ID, n)
				if err != nil {
					return err
				}
				if p.Removed {
					continue
				}
				if err := s.RemovePost(l.ID, n); err != nil {
					return err
				}
				s.log.Info("removed", "list", l.Address(), "number", n, "message_id", id)
				removed = append(removed, n)
			}
			if len(removed) == 0 {
				return fmt.Errorf("no post of %s has the Message-ID %s: see its page or its raw message for the right one", l.Address(), printable(id))
			}
			if e.json {
				return e.printJSON(row{"removed": removed})
			}
			for _, n := range removed {
				fmt.Fprintf(e.stdout, "removed %s/%d\n", s.name(l), n)
			}
			return nil
		}),
	})
}
