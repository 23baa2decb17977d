package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/store"
)

func newArchiveExport(e *env) *cobra.Command {
	var since, file string
	cmd := &cobra.Command{
		Use: "export LIST", Short: "Write the archive of a list as mbox", Args: arguments(1, 1),
		Long:    "Write the archive of a list as mbox (mboxrd). Importing that gives the same posts, byte for byte.",
		Example: "  sangam archive export heplink -o heplink.mbox\n  sangam archive export heplink --since 2026-01-01 | gzip > heplink.mbox.gz",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			from, err := parseDate(since)
			if err != nil {
				return err
			}
			n := 0
			if file == "" {
				n, err = mbox.Export(ctx, e.stdout, s.Store, l, from)
			} else {
				n, err = s.exportFile(ctx, e.path(file), l, from)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stderr, "exported %d\n", n)
			return nil
		}),
	}
	cmd.Flags().StringVar(&since, "since", "", "only posts received on this `DATE` or later, like 2026-01-31 (UTC)")
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to `FILE`, which appears when it is whole")
	return cmd
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%q is no date: use one like 2026-01-31 or 2026-01-31T08:00:00Z", text)
}

// exportFile puts the file in place when it is whole.
func (s *site) exportFile(ctx context.Context, path string, l store.List, from time.Time) (int, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".sangam-export-*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("export archive: %w", err)
	}
	defer os.Remove(f.Name())
	n, damaged := mbox.Export(ctx, f, s.Store, l, from)
	if !errors.Is(damaged, mbox.ErrDamaged) {
		err, damaged = damaged, nil
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = damaged
	}
	if err != nil {
		return n, fmt.Errorf("export archive: %w", err)
	}
	return n, nil
}
