package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// steps[i] makes of a stored value of layout i+1 one of layout i+2.
var steps = []func(key, stored []byte) []byte{
	seal,
}

// Upgrade brings a file of an earlier layout up to date: it writes a new file beside it, which takes its name when it is whole. The old one
// is kept under the name that is returned; empty when there was nothing to do. Killed at any moment it leaves the old file in its place.
// Memory does not grow with the file. progress (nil: none) gets bytes, of which total is an estimate. ErrLocked.
func Upgrade(path string, progress func(done, total int64)) (kept string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return "", nil
	}
	old := &Engine{}
	if err := old.openFile(path, false); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, old.db.Close()) }()
	from, err := old.version()
	if err != nil || from == 0 || from >= layout {
		return "", err
	}
	next := path + ".new"
	if err := errors.Join(remove(next), old.rewrite(next, from, info.Size(), progress)); err != nil {
		return "", fmt.Errorf("bring the store up to date, which needs as much free space as it takes: %w", errors.Join(err, remove(next)))
	}
	kept = fmt.Sprintf("%s.layout-%d", path, from)
	if err := errors.Join(remove(kept), os.Link(path, kept), os.Rename(next, path), syncFolder(filepath.Dir(path))); err != nil {
		return "", fmt.Errorf("put the new store in place: %w", err)
	}
	return kept, nil
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// rewriteBatch is how many bytes of rows one transaction writes.
const rewriteBatch = 8 << 20

func (e *Engine) rewrite(path string, from int, total int64, progress func(done, total int64)) error {
	to := &Engine{}
	if err := to.openFile(path, false); err != nil {
		return err
	}
	to.db.NoSync = true // until it is whole
	c := &copying{to: to.db, from: from, total: total, progress: progress}
	err := guard(func() error {
		return e.db.View(func(t *bbolt.Tx) error {
			return t.ForEach(func(table []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error { return c.row(table, k, v) })
			})
		})
	})
	if err == nil {
		err = c.flush()
	}
	if err == nil {
		err = to.db.Update(putVersion)
	}
	return errors.Join(err, to.db.Sync(), to.db.Close())
}

// copying of rows into another file, in batches.
type copying struct {
	to          *bbolt.DB
	from        int
	total, done int64
	progress    func(done, total int64)

	rows  []storedRow
	bytes int
}

type storedRow struct{ table, key, value []byte }

func (c *copying) row(table, k, v []byte) error {
	for _, step := range steps[c.from-1:] {
		v = step(k, v)
	}
	c.rows = append(c.rows, storedRow{table, k, v})
	if c.bytes += len(k) + len(v); c.bytes < rewriteBatch {
		return nil
	}
	return c.flush()
}

func (c *copying) flush() error {
	err := c.to.Update(func(t *bbolt.Tx) error {
		for _, r := range c.rows {
			b, err := t.CreateBucketIfNotExists(r.table)
			if err != nil {
				return err
			}
			b.FillPercent = appendFill // they come in order
			if err := b.Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	c.done += int64(c.bytes)
	if c.progress != nil {
		c.progress(min(c.done, c.total), c.total)
	}
	c.rows, c.bytes = c.rows[:0], 0
	return err
}
