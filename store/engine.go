package store

import (
	"fmt"
	"io"
	"iter"
)

// Engine is an ordered, transactional key-value store.
type Engine interface {
	// View runs fn in a read-only transaction on a consistent snapshot.
	View(fn func(Tx) error) error
	// Update runs fn in a read-write transaction and returns when it is durable. When fn fails nothing of it is
	// kept. Concurrent updates may share one commit, so fn may run more than once and must have no side effects
	// besides what it sets anew in each run.
	Update(fn func(Tx) error) error
	// Backup writes a consistent copy while the engine is in use: size is called with its bytes first.
	Backup(w io.Writer, size func(int64) error) error
	// Holes are the ranges of keys that cannot be read. It looks at all that is stored, while the engine is in use.
	Holes() ([]Hole, error)
	Close() error
}

// Tx is one transaction. It never returns bytes that are not those that were put: where what is stored is damaged it panics with a
// *Damage, which View and Update return as an error. Byte slices it returns are valid until the transaction ends and must not be changed.
// The first byte of a key names its table (keys.go).
type Tx interface {
	// Get returns nil when the key does not exist.
	Get(key []byte) []byte
	Put(key, value []byte) error
	Delete(key []byte) error
	// Scan yields the pairs with from <= key < to in ascending order. Both bounds lie in one table. The loop body
	// must not change the range being scanned.
	Scan(from, to []byte) iter.Seq2[[]byte, []byte]
	// ScanBack yields the same pairs in descending order.
	ScanBack(from, to []byte) iter.Seq2[[]byte, []byte]
	// Keys yields the keys of Scan, also those of values that are damaged.
	Keys(from, to []byte) iter.Seq[[]byte]
}

// Damage is a row or a page that cannot be read. It is the panic of a Tx and the error of View and Update.
type Damage struct {
	Key   []byte // of the row; only its first byte when a whole page is lost
	Row   bool   // the row alone is lost
	Cause string
}

func (d *Damage) Error() string {
	what := "page"
	if d.Row {
		what = "row"
	}
	return fmt.Sprintf("the store is damaged in a %s of its table %q (%s): run `sangam check`, which says what to do", what, d.Key[:1], d.Cause)
}

// Hole is a range of keys that cannot be read: From <= key < To, in one table. A hole without keys concerns the engine alone.
type Hole struct {
	From, To []byte
	Cause    string
}
