// Package storetest is the suite that every engine of package store passes, and the store that tests of other packages
// use.
package storetest

import (
	"path/filepath"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// NewStore opens an empty store in a folder of the test and closes it with the test.
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
	t.Cleanup(func() { s.Close() })
	return s
}
