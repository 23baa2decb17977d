package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

func newArchiveRemove(e *env) *cobra.Command {
	var attachment int
	cmd := e.jsonFlag(&cobra.Command{
		Use: "remove LIST MESSAGE-ID", Short: "Take a post, or one of its attachments, out of the archive", Args: arguments(2, 2),
		Long: "Take a post out of the archive, and every other with the same Message-ID. Its number is never used again; its page says that it was\n" +
			"removed; answers to it stay where they are. With --attachment the post stays, and a note stands where its K-th attachment was, as its\n" +
			"page numbers them. Copies that were mailed, and those that mail programs have fetched, are out of reach.",
		Example: "  sangam archive remove heplink '<20261124.1@mail.example.org>'\n" +
			"  sangam archive remove heplink 20261124.1@mail.example.org --attachment 2",
	})
	cmd.RunE = e.onStore(func(_ context.Context, s *site, args []string) error {
		l, err := s.list(args[0])
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("attachment") && attachment < 1 {
			return usagef("%d is no number of an attachment: they are numbered from 1", attachment)
		}
		id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(args[1]), "<"), ">")
		posts, err := s.archived(l, id)
		if err != nil {
			return err
		}
		if len(posts) == 0 {
			return fmt.Errorf("no post of %s has the Message-ID %s: see its page or its raw message for the right one", l.Address(), printable(id))
		}
		return e.removePosts(s, l, posts, attachment)
	})
	cmd.Flags().IntVar(&attachment, "attachment", 0, "remove only the `K`-th attachment")
	return cmd
}

// archived posts with a Message-ID.
func (s *site) archived(l store.List, id string) (posts []store.Post, err error) {
	numbers, err := s.PostsByMessageID(l.ID, id)
	for _, n := range numbers {
		p, postErr := s.Post(l.ID, n)
		err = errors.Join(err, postErr)
		if postErr == nil && !p.Removed {
			posts = append(posts, p)
		}
	}
	return posts, err
}

// removePosts removes posts, or the k-th attachment of each that has one.
func (e *env) removePosts(s *site, l store.List, posts []store.Post, k int) error {
	removed := []uint64{}
	for _, p := range posts {
		var err error
		if k == 0 {
			err = s.RemovePost(l.ID, p.Number)
		} else {
			err = s.removeAttachment(p, k)
		}
		if k != 0 && errors.Is(err, archive.ErrNoAttachment) {
			continue
		}
		if err != nil {
			return err
		}
		s.log.Info("removed", "list", l.Address(), "number", p.Number, "message_id", p.MessageID, "attachment", k)
		removed = append(removed, p.Number)
	}
	if len(removed) == 0 {
		return fmt.Errorf("the post has no attachment %d: its page numbers them from 1, without the text", k)
	}
	if e.json {
		return e.printJSON(row{"removed": removed})
	}
	for _, n := range removed {
		if k == 0 {
			fmt.Fprintf(e.stdout, "removed %s/%d\n", s.name(l), n)
		} else {
			fmt.Fprintf(e.stdout, "removed attachment %d of %s/%d\n", k, s.name(l), n)
		}
	}
	return nil
}

func (s *site) removeAttachment(p store.Post, k int) error {
	_, err := s.Redact(store.Redaction{List: p.List, Number: p.Number,
		Make: func(p store.Post, raw []byte) ([]byte, store.Post, error) {
			raw, err := archive.RemoveAttachment(raw, k, s.parts.Now())
			return raw, archive.Describe(raw, p.Received).Post, err
		},
		Gone: func(f store.File) bool { return f.K == k },
	})
	return err
}
