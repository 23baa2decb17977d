package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/backup"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/control"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

func newCheck(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "check [BACKUP]", Short: "Verify the store, or a backup, and say what is wrong", Args: arguments(0, 1),
		Long: "Verify the store while the server runs or not, or a backup: every page and row against its checksum, every post, thread, index, counter,\n" +
			"member, held post and job against the others. It changes nothing. The exit status is 1 when something is wrong; what to do is said.",
		Example: "  sangam check\n  sangam check /backup/sangam-monday",
		RunE: func(cmd *cobra.Command, args []string) error {
			var found *findings
			var err error
			switch {
			case len(args) == 1:
				found, err = e.checkBackup(cmd.Context(), args[0])
			case e.site != nil:
				found, err = e.check(cmd.Context(), e.site.Check, storeSize(e.site.config.Store()))
			default:
				found, err = e.checkStore(cmd.Context())
			}
			if err != nil || found == nil {
				return err
			}
			return found.print(e)
		},
	})
}

// checkStore has the server check its store, which then says all and leaves nil, or opens it for reading alone.
func (e *env) checkStore(ctx context.Context) (*findings, error) {
	c, err := e.config()
	if err != nil {
		return nil, err
	}
	if err := e.call(ctx, c); !errors.Is(err, control.ErrNobody) {
		return nil, err
	}
	if _, err := os.Stat(c.Store()); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %s: `sangam init` or `sangam serve` makes one, `sangam restore` brings one back", c.Data)
	}
	found, err := e.checkFile(ctx, c.Store())
	if errors.Is(err, bolt.ErrLocked) { // by a server that is just coming up
		if err := e.call(ctx, c); !errors.Is(err, control.ErrNobody) {
			return nil, err
		}
	}
	return found, err
}

// checkBackup unpacks a backup to look at its store.
func (e *env) checkBackup(ctx context.Context, file string) (*findings, error) {
	tmp, err := os.MkdirTemp("", "sangam-check-*")
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", file, err)
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "data")
	if _, err := e.unpack(ctx, file, dir, config.Kept()); err != nil {
		return nil, fmt.Errorf("check %s: %w", file, err)
	}
	return e.checkFile(ctx, filepath.Join(dir, backup.StoreFile))
}

func (e *env) checkFile(ctx context.Context, path string) (*findings, error) {
	engine, err := bolt.OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	found, err := e.check(ctx, func(ctx context.Context, progress func(int64), report func(store.Problem)) (store.Checked, error) {
		return store.Check(ctx, engine, progress, report)
	}, storeSize(path))
	return found, errors.Join(err, engine.Close())
}

func storeSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// maxProblems that are told; of a store that is quite broken the first ones are enough.
const maxProblems = 200

// findings of a check.
type findings struct {
	Checked  store.Checked
	Problems []store.Problem
	All      int // how many problems there are
}

type checking func(ctx context.Context, progress func(done int64), report func(store.Problem)) (store.Checked, error)

func (e *env) check(ctx context.Context, run checking, size int64) (*findings, error) {
	found := &findings{Problems: []store.Problem{}}
	var tell func(int64)
	progress := e.progress("checking")
	if progress != nil {
		tell = func(done int64) { progress(done, max(size, done)) }
	}
	checked, err := run(ctx, tell, func(p store.Problem) {
		if found.All++; len(found.Problems) < maxProblems {
			found.Problems = append(found.Problems, p)
		}
	})
	if progress != nil {
		fmt.Fprintln(e.stderr)
	}
	found.Checked = checked
	return found, err
}

func (f *findings) whole() bool { return f.All == 0 }

func (f *findings) counts() string {
	c := f.Checked
	return fmt.Sprintf("%d lists, %d members, %d posts, %d threads, %d held posts, %d jobs", c.Lists, c.Members, c.Posts, c.Threads, c.Held, c.Jobs)
}

// tell what is wrong, and below what to do about it.
func (f *findings) tell(e *env) {
	do := map[string]bool{}
	for _, p := range f.Problems {
		fmt.Fprintf(e.stdout, "%s: %s\n", printable(p.What), printable(p.Is))
		do[p.Do] = true
	}
	if more := f.All - len(f.Problems); more > 0 {
		fmt.Fprintf(e.stdout, "and %d more\n", more)
	}
	fmt.Fprintln(e.stdout, "what to do:")
	for _, p := range f.Problems {
		if do[p.Do] {
			fmt.Fprintf(e.stdout, "  %s\n", p.Do)
			delete(do, p.Do)
		}
	}
}

func (f *findings) print(e *env) error {
	switch {
	case e.json:
		if err := e.printJSON(row{"ok": f.whole(), "checked": f.Checked, "problems": f.Problems, "count": f.All}); err != nil {
			return err
		}
	case f.whole():
		fmt.Fprintf(e.stdout, "all is well: %s\n", f.counts())
	default:
		f.tell(e)
	}
	if !f.whole() {
		return exitStatus(1)
	}
	return nil
}
