// Package bolt is the embedded engine of package store: one bbolt file, concurrent updates grouped into one commit, a checksum in every
// row. What is damaged in the file is an error of who reads it and of nobody else.
package bolt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"wesouthasians.org/sangam/store"
)

var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("the store is in use by another sangam: stop that one, or let it run and use its control socket")
	// ErrOld: the file has an earlier layout; see Upgrade.
	ErrOld = errors.New("the store has the layout of an earlier sangam: start `sangam serve`, which brings it up to date")

	errClosed   = errors.New("the store is closed")
	errReadOnly = errors.New("the store is open for reading alone")
)

// lockWait is how long Open waits for another process to close the file.
const lockWait = time.Second

// maxGroup bounds how many updates share a commit.
const maxGroup = 256

// Engine is a store.Engine on one bbolt file.
type Engine struct {
	db   *bbolt.DB
	file *os.File // of db
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

// Open opens or makes the file, mode 0600. ErrLocked, ErrOld.
func Open(path string) (*Engine, error) { return open(path, false) }

// OpenReadOnly opens the file for View, Backup and Holes, and changes nothing in it. ErrLocked, ErrOld.
func OpenReadOnly(path string) (*Engine, error) { return open(path, true) }

func open(path string, readOnly bool) (*Engine, error) {
	e := &Engine{wake: make(chan struct{}, 1), done: make(chan struct{})}
	err := e.openFile(path, readOnly)
	if err == nil {
		err = e.current(path)
	}
	if err != nil {
		return nil, err
	}
	if readOnly {
		close(e.done)
	} else {
		go e.write()
	}
	return e, nil
}

// current refuses a file of another layout, and closes it. A new file gets this one.
func (e *Engine) current(path string) error {
	v, err := e.version()
	switch {
	case err == nil && v == 0 && !e.db.IsReadOnly():
		if err = e.db.Update(putVersion); err == nil {
			return nil
		}
	case err == nil && v == layout:
		return nil
	case err != nil:
		err = broken(path, err)
	case v > layout:
		err = fmt.Errorf("%s has the layout %d and this program knows up to %d: use a newer sangam", path, v, layout)
	default:
		err = fmt.Errorf("%s: %w", path, ErrOld)
	}
	return errors.Join(err, e.db.Close())
}

// openFile opens a file of any layout.
func (e *Engine) openFile(path string, readOnly bool) error {
	if err := inspect(path); err != nil {
		return err
	}
	options := bbolt.Options{
		Timeout:  lockWait,
		ReadOnly: readOnly,
		// The list of free pages is written with each commit: without it, opening would read every page of the file.
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: reserve(),
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			e.file = f
			return f, err
		},
	}
	err := tidy(guard(func() (err error) {
		if e.db, err = bbolt.Open(path, 0o600, &options); err != nil && !errors.Is(err, bolterrors.ErrTimeout) {
			options.InitialMmapSize = 0 // there may be a limit
			e.db, err = bbolt.Open(path, 0o600, &options)
		}
		return err
	}))
	if err != nil && e.file != nil {
		syscall.Flock(int(e.file.Fd()), syscall.LOCK_UN) // a panic leaves the file mapped, and so locked
		e.file.Close()
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open %s: %w", path, ErrLocked)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: run this as the user who owns the file, and may write it, or as root", err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch), isDamage(err):
		return broken(path, err)
	case err != nil:
		return fmt.Errorf("open %s: %w", path, err)
	}
	e.db.AllocSize = growBy
	// Who waited for the lock may have got it on a file that Upgrade or restore has replaced.
	opened, err := e.file.Stat()
	if named, statErr := os.Stat(path); err == nil && (statErr != nil || !os.SameFile(opened, named)) {
		err = fmt.Errorf("%s was replaced a moment ago: try again", path)
	}
	if err != nil {
		return errors.Join(err, e.db.Close())
	}
	return nil
}

// tidy makes damage of a panic of bbolt.
func tidy(err error) error {
	if p := (*panicked)(nil); errors.As(err, &p) {
		return &store.Damage{Key: []byte{'?'}, Cause: fmt.Sprint(p.value)}
	}
	return err
}

func broken(path string, cause any) error {
	return fmt.Errorf("%s is no store or is damaged (%v): put it aside and restore a backup with `sangam restore`", path, cause)
}

// growBy is by how much the file grows, in bytes.
const growBy = 4 << 20

// reserve is how much of the address space is set aside for the file, in bytes: a commit that needs more waits for every transaction that
// reads, and a backup is a long one. It takes no memory.
func reserve() int {
	if strconv.IntSize < 64 {
		return 0
	}
	gigabyte := 1 << 30
	return 256 * gigabyte
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

func (e *Engine) version() (v int, err error) {
	err = tidy(guard(func() error {
		return e.db.View(func(t *bbolt.Tx) error {
			v = version(t)
			return nil
		})
	}))
	return v, err
}

// View runs fn on a snapshot.
func (e *Engine) View(fn func(store.Tx) error) error {
	return raise(guard(func() error {
		return e.db.View(func(t *bbolt.Tx) error { return fn(&tx{t: t}) })
	}))
}

// raise goes on with the panic of a transaction in its caller.
func raise(err error) error {
	if p := (*panicked)(nil); errors.As(err, &p) {
		panic(p.Error())
	}
	return err
}

// Update waits for the commit that fn became part of.
func (e *Engine) Update(fn func(store.Tx) error) error {
	if e.db.IsReadOnly() {
		return errReadOnly
	}
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
	return raise(<-u.done)
}

// Backup streams a snapshot.
func (e *Engine) Backup(w io.Writer, size func(int64) error) error {
	return tidy(guard(func() error {
		return e.db.View(func(t *bbolt.Tx) error {
			if err := size(t.Size()); err != nil {
				return err
			}
			_, err := t.WriteTo(w)
			return err
		})
	}))
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
		failed, err := e.try(group)
		switch {
		case failed >= 0:
			group[failed].done <- err
			group = append(group[:failed:failed], group[failed+1:]...)
		case isDamage(err) && len(group) > 1: // of one of them, met while the pages were written
			for _, u := range group {
				e.commit([]*update{u})
			}
			return
		default:
			for _, u := range group {
				u.done <- err
			}
			return
		}
	}
}

// try commits a group, or nothing and tells which of it failed; -1: none by itself.
func (e *Engine) try(group []*update) (failed int, err error) {
	failed = -1
	err = guard(func() error {
		return e.db.Update(func(t *bbolt.Tx) error {
			for i, u := range group {
				if err := guard(func() error { return u.fn(&tx{t: t}) }); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
	})
	if failed < 0 {
		err = tidy(err)
	}
	return failed, err
}

func isDamage(err error) bool {
	var d *store.Damage
	return errors.As(err, &d)
}
