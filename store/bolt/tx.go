package bolt

import (
	"bytes"
	"fmt"
	"iter"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"wesouthasians.org/sangam/store"
)

// tx keeps each table in a bucket of its own.
type tx struct {
	t       *bbolt.Tx
	buckets [256]*bbolt.Bucket
}

// A damaged page makes bbolt panic, or read memory that is not there, or give back bytes that never end. damaged makes a *store.Damage of
// the first two; deferred around every call of bbolt.
func damaged(table byte) {
	switch v := recover().(type) {
	case nil:
	case *store.Damage:
		panic(v)
	default:
		panic(&store.Damage{Key: []byte{table}, Cause: fmt.Sprint(v)})
	}
}

// Bounds of a row: a key as of bbolt, a value of a chunk that cannot be compressed, or a large record.
const (
	maxKey   = bbolt.MaxKeySize
	maxValue = 64 << 20
)

func bounded(table byte, k, v []byte) {
	if len(k) > maxKey || len(v) > maxValue {
		panic(&store.Damage{Key: []byte{table}, Cause: "a row without end"})
	}
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
	defer damaged(key[0])
	b := t.bucket(key)
	if b == nil {
		return nil
	}
	v := b.Get(key)
	if v == nil {
		return nil
	}
	bounded(key[0], nil, v)
	return unseal(key, v)
}

// appendFill leaves a tenth of a page for values that grow.
const appendFill = 0.9

func (t *tx) Put(key, value []byte) error {
	defer damaged(key[0])
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
	return b.Put(bytes.Clone(key), seal(key, value))
}

func (t *tx) Delete(key []byte) error {
	defer damaged(key[0])
	if b := t.bucket(key); b != nil {
		return b.Delete(key)
	}
	return nil
}

func (t *tx) Scan(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range t.rows(from, to) {
			if !yield(k, t.value(k, v)) {
				return
			}
		}
	}
}

func (t *tx) Keys(from, to []byte) iter.Seq[[]byte] {
	return func(yield func(k []byte) bool) {
		for k := range t.rows(from, to) {
			if !yield(k) {
				return
			}
		}
	}
}

func (t *tx) value(k, v []byte) []byte {
	defer damaged(k[0])
	return unseal(k, v)
}

// rows yields what is stored, without looking at the values. The keys are whole, as rows of a table start with its byte.
func (t *tx) rows(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := t.cursor(from)
		for k, v := c.seek(from); k != nil && bytes.Compare(k, to) < 0; k, v = c.next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t *tx) ScanBack(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := t.cursor(from)
		back := c.prev
		if k, _ := c.seek(to); k == nil {
			back = c.last
		}
		for k, v := back(); k != nil && bytes.Compare(k, from) >= 0; k, v = c.prev() {
			if bytes.Compare(k, to) < 0 && !yield(k, t.value(k, v)) {
				return
			}
		}
	}
}

// cursor of a table; one that does not exist has no rows.
type cursor struct {
	*bbolt.Cursor
	table byte
}

func (t *tx) cursor(key []byte) cursor {
	defer damaged(key[0])
	b := t.bucket(key)
	if b == nil {
		return cursor{nil, key[0]}
	}
	return cursor{b.Cursor(), key[0]}
}

func (c cursor) move(step func() (k, v []byte)) (k, v []byte) {
	if c.Cursor == nil {
		return nil, nil
	}
	defer damaged(c.table)
	k, v = step()
	bounded(c.table, k, v)
	if len(k) > 0 && k[0] != c.table {
		panic(&store.Damage{Key: []byte{c.table}, Cause: "a row of another table"})
	}
	return k, v
}

func (c cursor) next() (k, v []byte) { return c.move(c.Cursor.Next) }
func (c cursor) prev() (k, v []byte) { return c.move(c.Cursor.Prev) }
func (c cursor) last() (k, v []byte) { return c.move(c.Cursor.Last) }

func (c cursor) seek(key []byte) (k, v []byte) {
	return c.move(func() (k, v []byte) { return c.Cursor.Seek(key) })
}

// panicked carries any other panic of a transaction back to its caller.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic in a transaction: %v\n%s", p.value, p.stack)
}

// guard runs a part of a transaction. Damage and panics become errors.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *store.Damage:
			err = v
		default:
			err = &panicked{v, debug.Stack()}
		}
	}()
	return do()
}
