package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
	"wesouthasians.org/sangam/store/storetest"
)

func TestEngine(t *testing.T) {
	storetest.Engine(t, func(path string) (store.Engine, error) { return bolt.Open(path) })
}

func TestSecondProcessIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sangam.db")
	e, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
}

func TestClosedEngine(t *testing.T) {
	e, err := bolt.Open(filepath.Join(t.TempDir(), "sangam.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if err := e.Update(func(store.Tx) error { return nil }); err == nil {
		t.Error("a closed engine takes an update")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sangam.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no store "), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "is no store or is damaged") {
		t.Errorf("a file of another kind: %v", err)
	}
}
