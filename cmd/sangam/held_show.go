package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newHeldShow(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "show ID", Short: "Show a held post", Args: arguments(1, 1),
		Example: "  sangam held show 7",
		RunE: e.onStore(func(_ context.Context, s *site, args []string) error {
			id, err := number(args[0], "held")
			if err != nil {
				return err
			}
			h, body, err := s.parts.Desk.Describe(id)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("no held post has the ID %d: `sangam held ls` shows those that wait", id)
			}
			if err != nil {
				return err
			}
			r, err := s.heldRow(h)
			if err != nil {
				return err
			}
			var attachments []string
			for _, a := range body.Attachments {
				attachments = append(attachments, a.Filename)
			}
			r["text"], r["attachments"] = body.Text, attachments
			if err := e.printOne(r, "id", "list", "from", "author", "sender", "subject", "received", "size", "reasons", "attachments"); err != nil || e.json {
				return err
			}
			fmt.Fprintln(e.stdout)
			for line := range strings.Lines(body.Text) {
				fmt.Fprintln(e.stdout, printable(strings.TrimRight(line, "\r\n")))
			}
			return nil
		}),
	})
}
