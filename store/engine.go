package store

import (
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
	// Backup writes a consistent copy while the engine is in use and returns its size in bytes.
	Backup(w io.Writer) (int64, error)
	Close() error
}

// Tx is one transaction. Byte slices it returns are valid until the transaction ends and must not be changed.
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
}
