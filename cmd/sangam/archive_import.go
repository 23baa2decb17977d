package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/archive/mbox"
)

func newArchiveImport(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "import LIST PATH...", Short: "Add old mail to the archive of a list, without mailing it", Args: arguments(2, -1),
		Long: "Add old mail to the archive of a list, without mailing it: mbox files (also gzip), Maildirs, folders of .eml files.\n" +
			"Importing again adds nothing. What cannot be imported is told with its place and the reason.",
		Example: "  sangam archive import heplink old.mbox.gz\n  sangam archive import heplink ~/Maildir/.heplink 2024/*.eml",
		RunE: e.onStore(func(ctx context.Context, s *site, args []string) error {
			l, err := s.list(args[0])
			if err != nil {
				return err
			}
			var paths []string
			for _, p := range args[1:] {
				paths = append(paths, e.path(p))
				if _, err := os.Stat(e.path(p)); err != nil {
					return fmt.Errorf("nothing was imported: %w", err)
				}
			}
			begun := time.Now()
			result, err := mbox.Import(ctx, s.Store, l, paths, mbox.Options{Progress: e.progress("importing")})
			if e.width > 0 {
				fmt.Fprintln(e.stderr)
			}
			s.log.Info("imported", "list", l.Address(), "imported", result.Imported, "duplicates", result.Duplicates,
				"refused", len(result.Refused), "took", time.Since(begun).Round(time.Millisecond))
			if indexErr := e.catchUp(ctx, s); indexErr != nil && ctx.Err() == nil {
				fmt.Fprintf(e.stderr, "the posts cannot be searched for yet: %v\n", indexErr)
			}
			if e.json {
				if printErr := e.printJSON(result); printErr != nil {
					return printErr
				}
				return err
			}
			for _, r := range result.Refused {
				fmt.Fprintf(e.stderr, "%s: %s\n", printable(r.Source), printable(r.Reason))
			}
			fmt.Fprintf(e.stdout, "imported %d, duplicates %d, refused %d\n", result.Imported, result.Duplicates, len(result.Refused))
			return err
		}),
	})
}

// progress draws a bar of bytes on a terminal; nil elsewhere.
func (e *env) progress(what string) func(done, total int64) {
	if e.width == 0 {
		return nil
	}
	bar := e.bar(what, progressbar.OptionShowBytes(true))
	return func(done, total int64) {
		bar.ChangeMax64(total)
		bar.Set64(done)
	}
}

func (e *env) bar(what string, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1, append(more, progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(max(10, min(40, e.width-60))), progressbar.OptionThrottle(100*time.Millisecond))...)
}

// counted is a bar of posts on a terminal. Elsewhere it only counts.
type counted struct {
	*env
	what string
	bar  *progressbar.ProgressBar
	done uint64
}

func (e *env) count(what string) *counted { return &counted{env: e, what: what} }

func (c *counted) set(done, total uint64) {
	c.done = done
	if c.width == 0 {
		return
	}
	if c.bar == nil {
		c.bar = c.env.bar(c.what, progressbar.OptionShowCount())
	}
	c.bar.ChangeMax64(int64(total))
	c.bar.Set64(int64(done))
}

func (c *counted) end() {
	if c.bar != nil {
		fmt.Fprintln(c.stderr)
	}
}
