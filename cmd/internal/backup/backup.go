// Package backup writes the whole state of a site into one file and reads it again: a tar archive, compressed with zstd, that holds the
// store and the folders of the data folder that cannot be made anew. The commands backup, restore and check call it.
package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Source is what is backed up.
type Source struct {
	// Store writes a consistent copy of the store, whose size it tells first.
	Store   func(w io.Writer, size func(int64) error) error
	Data    string   // the data folder
	Folders []string // names of folders in it; one that does not exist is left out
	Time    time.Time
}

// StoreFile is the name of the store in a backup and in the data folder.
const StoreFile = "sangam.db"

// Progress is told bytes.
type Progress func(done, total int64)

// Write streams a backup and returns how many bytes the store has. Memory does not grow with the store. progress may be nil.
func Write(ctx context.Context, w io.Writer, from Source, progress Progress) (size int64, err error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(z)
	meter := &meter{w: t, ctx: ctx, progress: progress}
	err = from.Store(meter, func(n int64) error {
		size, meter.total = n, n
		return t.WriteHeader(&tar.Header{Name: StoreFile, Mode: 0o600, Size: n, ModTime: from.Time, Format: tar.FormatPAX})
	})
	if err != nil {
		return size, fmt.Errorf("copy the store: %w", err)
	}
	for _, folder := range from.Folders {
		if err := addFolder(t, from.Data, folder); err != nil {
			return size, err
		}
	}
	return size, errors.Join(t.Close(), z.Close())
}

// addFolder adds the plain files of a folder and of those below it.
func addFolder(t *tar.Writer, data, folder string) error {
	root := filepath.Join(data, folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return fs.SkipDir
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		err = t.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(content)), ModTime: info.ModTime(), Format: tar.FormatPAX})
		if err == nil {
			_, err = t.Write(content)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("copy %s: %w", folder, err)
	}
	return nil
}

// ErrNoBackup: the file is of another kind, or cut off, or damaged.
var ErrNoBackup = errors.New("it is no backup, or is cut off or damaged: use another one")

// Read puts the content of a backup into an empty folder and returns when it was made. Every byte is checked against the sums of the
// compression and is on the disk when it returns. Only what Write may have written is taken. ErrNoBackup.
func Read(ctx context.Context, r io.Reader, dir string, folders []string, progress func(done int64)) (made time.Time, err error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return made, err
	}
	defer z.Close()
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return made, noBackup(ctx, err)
		}
		if h.Typeflag != tar.TypeReg || !expected(h.Name, folders) {
			return made, fmt.Errorf("%w (it holds %q)", ErrNoBackup, h.Name)
		}
		if h.Name == StoreFile {
			made = h.ModTime
		}
		if err := writeFile(ctx, filepath.Join(dir, filepath.FromSlash(h.Name)), t, progress); err != nil {
			return made, err
		}
	}
	if _, err := io.Copy(io.Discard, z); err != nil { // the last sum
		return made, noBackup(ctx, err)
	}
	if made.IsZero() {
		return made, fmt.Errorf("%w (it holds no store)", ErrNoBackup)
	}
	return made, nil
}

func noBackup(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w (%v)", ErrNoBackup, err)
}

// expected tells whether Write gives a file this name.
func expected(name string, folders []string) bool {
	if name == StoreFile {
		return true
	}
	folder, rest, _ := strings.Cut(name, "/")
	for _, f := range folders {
		if folder == f && rest != "" && filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, "\\\x00") {
			return true
		}
	}
	return false
}

func writeFile(ctx context.Context, path string, r io.Reader, progress func(done int64)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	m := &meter{w: f, ctx: ctx}
	if progress != nil {
		m.progress = func(done, _ int64) { progress(done) }
	}
	if _, err = io.Copy(m, r); err != nil && m.failed == nil {
		err = noBackup(ctx, err)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// meter counts what passes, and stops when the context ends.
type meter struct {
	w           io.Writer
	ctx         context.Context
	done, total int64
	progress    Progress
	failed      error // of w
}

func (m *meter) Write(p []byte) (n int, err error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, m.failed = m.w.Write(p)
	if m.done += int64(n); m.progress != nil {
		m.progress(m.done, m.total)
	}
	return n, m.failed
}
