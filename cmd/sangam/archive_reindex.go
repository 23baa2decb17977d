package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newArchiveReindex(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "reindex [LIST]", Short: "Make the search index anew", Args: arguments(0, 1),
		Long: "Make the search index anew: that of all lists, or the part of one, which can be searched meanwhile. The index is made anew\n" +
			"by itself when it is missing, damaged or of another version.",
		Example: "  sangam archive reindex\n  sangam archive reindex heplink",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			bar := e.count("indexing")
			var err error
			if len(args) == 0 {
				err = s.parts.Search.Afresh(ctx, bar.set)
			} else {
				var l store.List
				if l, err = s.list(args[0]); err == nil {
					err = s.parts.Search.Again(ctx, []store.List{l}, bar.set)
				}
			}
			bar.end()
			if err != nil {
				return err
			}
			if e.json {
				return e.printJSON(row{"indexed": bar.done})
			}
			fmt.Fprintf(e.stdout, "indexed %d\n", bar.done)
			return nil
		}),
	})
}
