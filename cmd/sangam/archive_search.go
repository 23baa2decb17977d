package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/store"
)

func newArchiveSearch(e *env) *cobra.Command {
	limit := 0
	cmd := e.jsonFlag(&cobra.Command{
		Use: "search LIST QUERY...", Short: "Find posts of a list, the best first", Args: arguments(2, -1),
		Long: "Find posts of a list, the best first. A query has words, \"a phrase\", from: to: subject: filename: after: before: and\n" +
			"has:attachment; - stands before what is not wanted, OR between two of which one is enough. Put -- before a query that begins with -.",
		Example: "  sangam archive search heplink 'hepatitis vaccine'\n  sangam archive search heplink '\"birth dose\" from:asha after:2026-01-01 -draft'",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			if limit < 1 {
				return usagef("--limit must be 1 or more")
			}
			q, err := search.Parse(strings.Join(args[1:], " "))
			if err != nil {
				return usage{err}
			}
			if err := e.catchUp(ctx, s); err != nil {
				return err
			}
			found, err := s.parts.Search.Search(ctx, search.Request{Query: q, Lists: []store.List{l}, Limit: limit})
			if err != nil {
				return err
			}
			return e.printFound(found)
		}),
	})
	cmd.Flags().IntVar(&limit, "limit", 100, "print at most `N` posts")
	return cmd
}

// catchUp indexes what came in while no server ran. In the server the index follows by itself.
func (e *env) catchUp(ctx context.Context, s *site) error {
	if e.site != nil {
		return nil
	}
	bar := e.count("indexing")
	err := s.parts.Search.CatchUp(ctx, bar.set)
	bar.end()
	return err
}

func (e *env) printFound(found search.Result) error {
	if found.Behind > 0 {
		fmt.Fprintf(e.stderr, "%d posts are not indexed yet and cannot be found: try again in a while\n", found.Behind)
	}
	if len(found.Hits) < found.Total {
		fmt.Fprintf(e.stderr, "%d of %d posts are shown\n", len(found.Hits), found.Total)
	}
	if e.json {
		rows := []row{}
		for _, h := range found.Hits {
			rows = append(rows, row{"number": h.Post.Number, "thread": h.Post.Thread, "message_id": h.Post.MessageID, "from": sender(h.Post),
				"subject": h.Post.Subject, "date": stamp(h.Post.Date), "excerpt": h.Excerpt.String()})
		}
		return e.printJSON(rows)
	}
	var err error
	for _, h := range found.Hits {
		if _, werr := fmt.Fprintf(e.stdout, "%d  %s  %s: %s\n    %s\n", h.Post.Number, h.Post.Date.Format("2006-01-02"), printable(h.Post.From),
			printable(h.Post.Subject), printable(h.Excerpt.String())); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	return err
}

// sender of a post with name and address.
func sender(p store.Post) string {
	if p.From == string(p.Author) || p.Author == "" {
		return p.From
	}
	return p.From + " <" + string(p.Author) + ">"
}
