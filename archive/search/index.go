package search

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	index "github.com/blevesearch/bleve_index_api"
	bolterrors "go.etcd.io/bbolt/errors"

	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store         *store.Store
	Folder        string // of the index; its parent exists
	DefaultDomain string // lists in it are named without their domain
	Now           func() time.Time
	Log           *slog.Logger
}

// Index finds posts. It is opened when it is first needed, and safe for concurrent use. Only who has the store open may have its index open.
type Index struct {
	Options
	mu     sync.RWMutex // readers use the engine, a writer opens or changes it
	engine *engine
	closed bool
	again  chan struct{} // the follower has work that no post tells of

	working chan struct{} // who has put something in may write
}

// New opens nothing yet.
func New(o Options) *Index {
	return &Index{Options: o, again: make(chan struct{}, 1), working: make(chan struct{}, 1)}
}

// begin waits until nobody else writes. Call done then.
func (x *Index) begin(ctx context.Context) error {
	select {
	case x.working <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *Index) done() { <-x.working }

var errClosed = errors.New("the search index is closed")

// Close ends the use of the index; it cannot be opened again.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	e := x.engine
	x.engine = nil
	if e == nil {
		return nil
	}
	if err := e.close(); err != nil {
		return fmt.Errorf("close the search index: %w", err)
	}
	return nil
}

// use runs fn on the open index. What fails there makes the files suspect: when they are damaged the index is made anew.
func (x *Index) use(fn func(*engine) error) error {
	e, err := x.opened()
	if err != nil {
		return err
	}
	err = func() (err error) {
		defer x.mu.RUnlock()
		defer func() {
			if v := recover(); v != nil {
				err = &suspect{fmt.Errorf("%v", v), debug.Stack()}
			}
		}()
		return fn(e)
	}()
	var s *suspect
	if !errors.As(err, &s) {
		return err
	}
	x.Log.Error("the search index failed", "cause", s.error, "stack", string(s.stack))
	if damage := x.damage(e); damage != nil || e.isBroken() {
		x.discard(e, damage)
	}
	return fmt.Errorf("search: %w", s.error)
}

// suspect is a failure that may come from damaged files.
type suspect struct {
	error
	stack []byte
}

func (s *suspect) Unwrap() error { return s.error }

// opened returns with mu locked for reading unless it fails.
func (x *Index) opened() (*engine, error) {
	for {
		x.mu.RLock()
		if x.engine != nil {
			return x.engine, nil
		}
		x.mu.RUnlock()
		if err := x.open(); err != nil {
			return nil, err
		}
	}
}

// open makes what is missing, and anew what cannot be used.
func (x *Index) open() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errClosed
	}
	if x.engine != nil {
		return nil
	}
	e, err := x.tryOpen()
	if err != nil && !errors.Is(err, bolterrors.ErrTimeout) && !errors.Is(err, os.ErrPermission) {
		x.Log.Warn("the search index is made anew", "folder", x.Folder, "cause", err)
		if err := os.RemoveAll(x.Folder); err != nil {
			return fmt.Errorf("make the search index anew: %w", err)
		}
		e, err = x.tryOpen()
	}
	if err != nil {
		return fmt.Errorf("open the search index %s: %w", x.Folder, err)
	}
	x.engine = e
	return nil
}

var errOtherVersion = errors.New("it is of another version or another store")

// identity says of which version and which store an index is.
func (x *Index) identity() string {
	return version + " " + hex.EncodeToString(x.Store.Key("search index")[:8])
}

func (x *Index) tryOpen() (e *engine, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	if e, err = newEngine(x.Folder); err != nil {
		return nil, err
	}
	have, err := e.internal(keyIdentity)
	switch {
	case err == nil && have == nil:
		b := index.NewBatch()
		b.SetInternal([]byte(keyIdentity), []byte(x.identity()))
		err = e.apply(b)
	case err == nil && string(have) != x.identity():
		err = errOtherVersion
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// damage reads the files of the index and says what is wrong with them.
func (x *Index) damage(e *engine) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.engine != e {
		return nil
	}
	return e.verify()
}

// discard closes an index that is not to be used any more. With damage its files go too, and the next use makes it anew.
func (x *Index) discard(e *engine, damage error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.engine != e {
		return
	}
	x.engine = nil
	e.close()
	defer x.wake()
	if damage == nil {
		return
	}
	x.Log.Warn("the search index is made anew", "folder", x.Folder, "cause", damage)
	if err := os.RemoveAll(x.Folder); err != nil {
		x.Log.Error("the damaged search index cannot be removed", "folder", x.Folder, "cause", err)
	}
}

func (x *Index) wake() {
	select {
	case x.again <- struct{}{}:
	default:
	}
}

// Keys of what the index knows about itself.
const (
	keyIdentity = "identity"
	keyLists    = "lists" // whose posts it holds
)

func keyCursor(list uint64) string { return fmt.Sprintf("list %d", list) }

// cursor says how far the log of a list is in the index.
type cursor struct {
	Upto     uint64 // number of the last post
	Content  []byte // of that post, by which another store is told apart
	Removed  uint64 // how many removed posts have left
	Redacted uint64 // how many changes of posts, as of store.Log.Redactions, are in it
}

func (e *engine) cursor(list uint64) (c cursor, err error) {
	b, err := e.internal(keyCursor(list))
	if err == nil && b != nil {
		err = json.Unmarshal(b, &c)
	}
	return c, err
}

func (e *engine) lists() (ids []uint64, err error) {
	b, err := e.internal(keyLists)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &ids)
	}
	return ids, err
}

func setJSON(b *index.Batch, key string, v any) error {
	text, err := json.Marshal(v)
	b.SetInternal([]byte(key), text)
	return err
}
