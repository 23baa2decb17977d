// Package bolt is the embedded engine of package store: one bbolt file, concurrent updates grouped into one commit.
package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"wesouthasians.org/sangam/store"
)

var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("the store is in use by another sangam: stop that one, or let it run and use its control socket")
	errClosed = errors.New("the store is closed")
)

// lockWait is how long Open waits for another process to close the file.
const lockWait = time.Second

// maxGroup bounds how many updates share a commit.
const maxGroup = 256

// Engine is a store.Engine on one bbolt file.
type Engine struct {
	db   *bbolt.DB
	wake chan struct{}
	done chan struct{}

	mu      sync.Mutex
	closed  bool
	waiting []*update
}

type update struct {
	fn   func(store.Tx) error
	done chan error
}

// panicked carries a panic of an update back to its caller.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic in a transaction: %v\n%s", p.value, p.stack)
}

// Open opens or makes the file, mode 0600. ErrLocked.
func Open(path string) (*Engine, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait,
		// The list of free pages is written with each commit: without it, opening would read every page of the file.
		FreelistType: bbolt.FreelistMapType,
		// Address space, not memory: until the file outgrows it, no commit waits for who reads.
		InitialMmapSize: 1 << 30,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: %w", path, ErrLocked)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: run this as the user who owns the file, and may write it, or as root", err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s is no store or is damaged (%w): put a backup in its place", path, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	e := &Engine{db: db, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go e.write()
	return e, nil
}

// Close finishes the updates that wait and closes the file.
func (e *Engine) Close() error {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.mu.Unlock()
	if was {
		return nil
	}
	close(e.wake)
	<-e.done
	return e.db.Close()
}

// View runs fn on a snapshot.
func (e *Engine) View(fn func(store.Tx) error) error {
	return e.db.View(func(t *bbolt.Tx) error { return fn(&tx{t: t}) })
}

// Update waits for the commit that fn became part of.
func (e *Engine) Update(fn func(store.Tx) error) error {
	u := &update{fn: fn, done: make(chan error, 1)}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return errClosed
	}
	e.waiting = append(e.waiting, u)
	select {
	case e.wake <- struct{}{}:
	default:
	}
	e.mu.Unlock()
	err := <-u.done
	if p := (*panicked)(nil); errors.As(err, &p) {
		panic(p.Error())
	}
	return err
}

// Backup streams a snapshot.
func (e *Engine) Backup(w io.Writer) (n int64, err error) {
	err = e.db.View(func(t *bbolt.Tx) error {
		n, err = t.WriteTo(w)
		return err
	})
	return n, err
}

func (e *Engine) write() {
	defer close(e.done)
	for open := true; open; {
		_, open = <-e.wake
		for {
			e.mu.Lock()
			group := e.waiting[:min(maxGroup, len(e.waiting))]
			e.waiting = e.waiting[len(group):]
			e.mu.Unlock()
			if len(group) == 0 {
				break
			}
			e.commit(group)
		}
	}
}

// commit runs a group in one transaction. One that fails is answered and the others run again without it.
func (e *Engine) commit(group []*update) {
	for len(group) > 0 {
		failed := -1
		err := e.db.Update(func(t *bbolt.Tx) error {
			for i, u := range group {
				if err := run(u.fn, &tx{t: t}); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, u := range group {
				u.done <- err
			}
			return
		}
		group[failed].done <- err
		group = append(group[:failed:failed], group[failed+1:]...)
	}
}

func run(fn func(store.Tx) error, t *tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return fn(t)
}

// tx keeps each table in a bucket of its own.
type tx struct {
	t       *bbolt.Tx
	buckets [256]*bbolt.Bucket
}

func (t *tx) bucket(key []byte) *bbolt.Bucket {
	b := t.buckets[key[0]]
	if b == nil {
		b = t.t.Bucket(key[:1])
		t.buckets[key[0]] = b
	}
	return b
}

func (t *tx) Get(key []byte) []byte {
	if b := t.bucket(key); b != nil {
		return b.Get(key)
	}
	return nil
}

// appendFill leaves a tenth of a page for values that grow.
const appendFill = 0.9

func (t *tx) Put(key, value []byte) error {
	b := t.bucket(key)
	if b == nil {
		var err error
		if b, err = t.t.CreateBucket(key[:1]); err != nil {
			return err
		}
		t.buckets[key[0]] = b
	}
	if store.AppendOnly(key[0]) {
		b.FillPercent = appendFill
	}
	return b.Put(bytes.Clone(key), value)
}

func (t *tx) Delete(key []byte) error {
	if b := t.bucket(key); b != nil {
		return b.Delete(key)
	}
	return nil
}

func (t *tx) Scan(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		b := t.bucket(from)
		if b == nil {
			return
		}
		c := b.Cursor()
		for k, v := c.Seek(from); k != nil && bytes.Compare(k, to) < 0; k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t *tx) ScanBack(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		b := t.bucket(from)
		if b == nil {
			return
		}
		c := b.Cursor()
		back := c.Prev
		if k, _ := c.Seek(to); k == nil {
			back = c.Last
		}
		for k, v := back(); k != nil && bytes.Compare(k, from) >= 0; k, v = c.Prev() {
			if bytes.Compare(k, to) < 0 && !yield(k, v) {
				return
			}
		}
	}
}
