// Package storetest is the suite that every engine of package store passes, and the store that tests of other packages
// use.
package storetest

import (
	"context"
	"path/filepath"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// NewStore opens an empty store in a folder of the test. At the end of the test it checks that all in it fits together, and closes it.
func NewStore(t testing.TB) *store.Store {
	t.Helper()
	return open(t, func(e store.Engine) store.Engine { return e })
}

func open(t testing.TB, around func(store.Engine) store.Engine) *store.Store {
	t.Helper()
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "sangam.db"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(around(engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Writable(); err == nil { // it has not been closed
			Check(t, s)
		}
		s.Close()
	})
	return s
}

// Check fails the test when something is wrong with the store.
func Check(t testing.TB, s *store.Store) {
	t.Helper()
	_, err := s.Check(context.Background(), nil, func(p store.Problem) { t.Errorf("%s: %s", p.What, p.Is) })
	if err != nil {
		t.Error(err)
	}
}
