package storetest

import (
	"encoding/binary"
	"iter"
	"sync/atomic"
	"testing"

	"wesouthasians.org/sangam/store"
)

// Hurt is an engine of which some rows are damaged.
type Hurt struct {
	store.Engine
	damaged atomic.Pointer[func(key []byte) bool]
}

// Tables of a post, as package store names them.
const (
	posts = 'P'
	raws  = 'R'
)

// Bytes damages the bytes of a post.
func (h *Hurt) Bytes(list, number uint64) { h.rows(ofPost(raws, list, number)) }

// Post damages the record of a post.
func (h *Hurt) Post(list, number uint64) { h.rows(ofPost(posts, list, number)) }

// Table damages all rows of a table.
func (h *Hurt) Table(table byte) { h.rows(func(k []byte) bool { return k[0] == table }) }

// Heal makes all whole again.
func (h *Hurt) Heal() { h.rows(func([]byte) bool { return false }) }

func (h *Hurt) rows(damaged func(key []byte) bool) { h.damaged.Store(&damaged) }

func ofPost(table byte, list, number uint64) func([]byte) bool {
	return func(k []byte) bool {
		return len(k) >= 17 && k[0] == table && binary.BigEndian.Uint64(k[1:]) == list && binary.BigEndian.Uint64(k[9:]) == number
	}
}

// View as that of the engine, but for damaged rows.
func (h *Hurt) View(fn func(store.Tx) error) error { return caught(h.Engine.View, h, fn) }

// Update as that of the engine, but for damaged rows.
func (h *Hurt) Update(fn func(store.Tx) error) error { return caught(h.Engine.Update, h, fn) }

func caught(run func(func(store.Tx) error) error, h *Hurt, fn func(store.Tx) error) error {
	return run(func(tx store.Tx) error { return fn(hurtTx{tx, h}) })
}

type hurtTx struct {
	store.Tx
	h *Hurt
}

func (t hurtTx) look(k []byte) {
	if (*t.h.damaged.Load())(k) {
		panic(&store.Damage{Key: append([]byte(nil), k...), Row: true, Cause: "its checksum is wrong"})
	}
}

func (t hurtTx) Get(key []byte) []byte {
	v := t.Tx.Get(key)
	if v != nil {
		t.look(key)
	}
	return v
}

func (t hurtTx) Scan(from, to []byte) iter.Seq2[[]byte, []byte] { return t.each(t.Tx.Scan(from, to)) }

func (t hurtTx) ScanBack(from, to []byte) iter.Seq2[[]byte, []byte] {
	return t.each(t.Tx.ScanBack(from, to))
}

func (t hurtTx) each(rows iter.Seq2[[]byte, []byte]) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range rows {
			if t.look(k); !yield(k, v) {
				return
			}
		}
	}
}

// NewHurt is NewStore with an engine whose rows can be damaged; it is healed at the end of the test.
func NewHurt(t testing.TB) (*store.Store, *Hurt) {
	t.Helper()
	h := &Hurt{}
	h.Heal()
	s := open(t, func(e store.Engine) store.Engine {
		h.Engine = e
		return h
	})
	t.Cleanup(h.Heal)
	return s, h
}
