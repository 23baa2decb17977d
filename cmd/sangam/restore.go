package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/backup"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/store/bolt"
)

func newRestore(e *env) *cobra.Command {
	var force bool
	cmd := e.jsonFlag(&cobra.Command{
		Use: "restore FILE", Short: "Put a backup into the data folder, which must be empty", Args: arguments(1, 1),
		Long: "Put a backup into the data folder, which must be empty: no server may run. All of it is read and checked, as `sangam check` does, before\n" +
			"it appears in the folder. FILE - is standard input.",
		Example: "  sangam restore /backup/sangam-monday\n  ssh backup@example.net 'cat sangam-monday' | sangam restore -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if e.site != nil {
				return usagef("a backup is not restored into a server that runs")
			}
			c, err := e.config()
			if err != nil {
				return err
			}
			return e.restore(cmd.Context(), c, args[0], force)
		},
	})
	cmd.Flags().BoolVar(&force, "force", false, "restore it although the check finds something wrong")
	return cmd
}

// unfinished is the folder in the data folder in which a restored backup is made ready.
const unfinished = ".restore"

func (e *env) restore(ctx context.Context, c *config.Config, file string, force bool) (err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := emptyFolder(c.Data); err != nil {
		return err
	}
	dir := filepath.Join(c.Data, unfinished)
	defer os.RemoveAll(dir)
	made, err := e.unpack(ctx, file, dir, config.Kept())
	if err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	found, err := e.checkFile(ctx, filepath.Join(dir, backup.StoreFile))
	if err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	if !found.whole() && !force {
		found.tell(e)
		return errors.New("nothing was restored, for something is wrong with the store in this backup: use an older one, or --force to restore it as it is")
	}
	if err := moveInto(c.Data, dir); err != nil {
		return fmt.Errorf("the backup was not restored whole, empty %s and try again: %w", c.Data, err)
	}
	if e.json {
		return e.printJSON(row{"data": c.Data, "made": stamp(made), "ok": found.whole(), "checked": found.Checked, "problems": found.Problems})
	}
	if !found.whole() {
		found.tell(e)
	}
	fmt.Fprintf(e.stdout, "restored %s as of %s: %s\n", c.Data, made.UTC().Format(time.RFC3339), found.counts())
	return nil
}

// emptyFolder refuses a folder in which there is something, but for what a restore that was killed left, which it removes.
func emptyFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read the data folder: %w", err)
	}
	for _, x := range entries {
		if x.Name() != unfinished && x.Name() != "lost+found" {
			return fmt.Errorf("the data folder %s is not empty: stop the server, move what is in it elsewhere and try again", path)
		}
	}
	return os.RemoveAll(filepath.Join(path, unfinished))
}

// unpack reads a backup into a new folder.
func (e *env) unpack(ctx context.Context, file, dir string, folders []string) (made time.Time, err error) {
	var r io.Reader = e.stdin
	if file != "-" {
		f, err := os.Open(e.path(file))
		if err != nil {
			return made, err
		}
		defer f.Close()
		r = f
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return made, err
	}
	var tell func(int64)
	if progress := e.progress("reading"); progress != nil {
		tell = func(done int64) { progress(done, -1) }
		defer fmt.Fprintln(e.stderr)
	}
	if made, err = backup.Read(ctx, r, dir, folders, tell); err != nil {
		return made, err
	}
	kept, err := bolt.Upgrade(filepath.Join(dir, backup.StoreFile), nil)
	if kept != "" { // the backup has it
		err = errors.Join(err, os.Remove(kept))
	}
	return made, err
}

// moveInto moves what is in a folder up, the store last, and gives it to the owner of the folder.
func moveInto(data, dir string) error {
	if err := ownedAs(data, dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, x := range entries {
		if x.Name() != backup.StoreFile {
			err = errors.Join(err, os.Rename(filepath.Join(dir, x.Name()), filepath.Join(data, x.Name())))
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(filepath.Join(dir, backup.StoreFile), filepath.Join(data, backup.StoreFile)), syncFolder(data))
}

// ownedAs gives all below a folder to the owner of another, when root restores for the user who runs the server.
func ownedAs(of, below string) error {
	info, err := os.Stat(of)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			err = syncFolder(path)
		}
		return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
}
