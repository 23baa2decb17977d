package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/store"
)

func newHeld(e *env) *cobra.Command {
	return newGroup("held", "Posts that wait for a moderator", "  sangam held ls heplink", newHeldLs(e), newHeldShow(e), newHeldApprove(e),
		newHeldReject(e), newHeldDiscard(e))
}

func (s *site) heldRow(h store.Held) (row, error) {
	l, err := s.ListByID(h.List)
	return row{"id": h.ID, "list": s.name(l), "from": h.From, "author": string(h.Author), "sender": string(h.Sender), "subject": h.Subject,
		"reasons": h.Reasons, "received": stamp(h.Received), "message_id": h.MessageID, "size": h.Size}, err
}

// decide runs one decision for each ID; one that fails is told and the others go on.
func (e *env) decide(ctx context.Context, s *site, ids []string, fate string, one func(desk *moderate.Desk, id uint64) error) error {
	desk := s.parts.Desk
	var rows []row
	failed := false
	for _, text := range ids {
		id, err := number(text, "held")
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err = one(desk, id)
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("no held post has the ID %d: `sangam held ls` shows those that wait", id)
		}
		r := row{"id": id, "done": fate}
		if err != nil {
			failed = true
			r = row{"id": id, "error": err.Error()}
			fmt.Fprintln(e.stderr, err)
		} else if !e.json {
			fmt.Fprintf(e.stdout, "%s %d\n", fate, id)
		}
		rows = append(rows, r)
	}
	if e.json {
		if err := e.printRows(rows); err != nil {
			return err
		}
	}
	if failed {
		return exitStatus(1)
	}
	return nil
}
