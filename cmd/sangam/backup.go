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
)

func newBackup(e *env) *cobra.Command {
	var force bool
	cmd := e.jsonFlag(&cobra.Command{
		Use: "backup FILE", Short: "Write the whole state of the site into one file, while the server runs", Args: arguments(1, 1),
		Long: "Write the whole state of the site into one file, while the server runs: the store as it is at one moment, and the keys. FILE appears when\n" +
			"it is whole; - is standard output. It is a tar archive, compressed with zstd, and holds secrets: its mode is 0600. Keep config.toml with it.\n" +
			"The search index is not in it: it is made anew.",
		Example: "  sangam backup /backup/sangam-monday\n  sangam backup - | ssh backup@example.net 'cat > sangam-monday'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return e.onStore(e.streamBackup)(cmd, args)
			}
			return e.backupFile(cmd, e.path(args[0]), force)
		},
	})
	cmd.Flags().BoolVar(&force, "force", false, "put it in the place of a FILE that exists")
	return cmd
}

// streamBackup writes a backup to standard output.
func (e *env) streamBackup(ctx context.Context, s *site, _ []string) error {
	progress := e.progress("copying")
	size, err := backup.Write(ctx, e.stdout, backup.Source{Store: s.Backup, Data: s.config.Data, Folders: config.Kept(), Time: s.parts.Now()}, progress)
	if progress != nil {
		fmt.Fprintln(e.stderr)
	}
	if err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	s.log.Info("backup", "store_bytes", size)
	return nil
}

// backupFile has a backup streamed, by the server when one runs, and puts it in place: so the file is made by who asks for it, where the
// server may not write.
func (e *env) backupFile(cmd *cobra.Command, path string, force bool) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) && !force {
		if err != nil {
			return fmt.Errorf("no backup was made: %w", err)
		}
		return fmt.Errorf("%s exists and was left as it is: name another file, or use --force to replace it", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sangam-backup-*") // mode 0600
	if err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	defer os.Remove(f.Name())
	stream := *e
	stream.stdout, stream.args = f, []string{"backup", "-"}
	err = stream.onStore(stream.streamBackup)(cmd, stream.args[1:])
	if err != nil {
		f.Close()
		return err
	}
	info, err := f.Stat()
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = errors.Join(os.Rename(f.Name(), path), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	if e.json {
		return e.printJSON(row{"file": path, "bytes": info.Size()})
	}
	fmt.Fprintf(e.stdout, "wrote %s, %s\n", path, amount(info.Size()))
	return nil
}

// amount of bytes for people.
func amount(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%d KB", (n+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
