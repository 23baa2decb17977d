package deliver_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"wesouthasians.org/sangam/store"
)

// memory is a store.Engine without a disk, for simulations of many days.
type memory struct {
	mu     sync.RWMutex
	keys   []string // sorted
	values map[string][]byte
}

func newMemory() *memory { return &memory{values: map[string][]byte{}} }

func (m *memory) View(fn func(store.Tx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return fn(&memoryTx{memory: m})
}

func (m *memory) Update(fn func(store.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{memory: m, before: map[string][]byte{}}
	err := fn(tx)
	if err != nil {
		for k, v := range tx.before {
			m.set(k, v)
		}
	}
	return err
}

func (m *memory) Backup(io.Writer, func(int64) error) error { return errors.ErrUnsupported }

func (m *memory) Holes() ([]store.Hole, error) { return nil, nil }

func (m *memory) Close() error { return nil }

// set a value; nil deletes.
func (m *memory) set(k string, v []byte) {
	i, found := slices.BinarySearch(m.keys, k)
	switch {
	case v == nil && found:
		m.keys = slices.Delete(m.keys, i, i+1)
		delete(m.values, k)
	case v != nil && !found:
		m.keys = slices.Insert(m.keys, i, k)
	}
	if v != nil {
		m.values[k] = v
	}
}

type memoryTx struct {
	*memory
	before map[string][]byte
}

func (t *memoryTx) change(k string, v []byte) error {
	if _, ok := t.before[k]; !ok {
		t.before[k] = t.values[k]
	}
	t.set(k, v)
	return nil
}

func (t *memoryTx) Get(key []byte) []byte { return t.values[string(key)] }

func (t *memoryTx) Put(key, value []byte) error {
	return t.change(string(key), append([]byte{}, value...))
}

func (t *memoryTx) Delete(key []byte) error { return t.change(string(key), nil) }

func (t *memoryTx) Scan(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		at := string(from)
		for {
			i, _ := slices.BinarySearch(t.keys, at)
			if i == len(t.keys) || strings.Compare(t.keys[i], string(to)) >= 0 {
				return
			}
			k := t.keys[i]
			if !yield([]byte(k), bytes.Clone(t.values[k])) {
				return
			}
			at = k + "\x00"
		}
	}
}

func (t *memoryTx) Keys(from, to []byte) iter.Seq[[]byte] {
	return func(yield func(k []byte) bool) {
		for k := range t.Scan(from, to) {
			if !yield(k) {
				return
			}
		}
	}
}

func (t *memoryTx) ScanBack(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		at := string(to)
		for {
			i, _ := slices.BinarySearch(t.keys, at)
			if i == 0 || strings.Compare(t.keys[i-1], string(from)) < 0 {
				return
			}
			at = t.keys[i-1]
			if !yield([]byte(at), bytes.Clone(t.values[at])) {
				return
			}
		}
	}
}

// mortal is an engine that answers nothing any more once its process is dead.
type mortal struct {
	store.Engine
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return nil
}

func (m *mortal) View(fn func(store.Tx) error) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Engine.View(fn)
}

func (m *mortal) Update(fn func(store.Tx) error) error {
	return errors.Join(m.alive(), m.Engine.Update(func(tx store.Tx) error { return errors.Join(m.alive(), fn(tx)) }))
}
