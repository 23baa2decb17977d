package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// filled is the content of a file with rows of several sizes in two tables, and the rows.
func filled(t *testing.T) ([]byte, map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sangam.db")
	e, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for i := range 200 {
		err := e.Update(func(tx store.Tx) error {
			for _, table := range []string{"a", "b"} {
				k, v := fmt.Sprintf("%s%06d", table, i*79%200), strings.Repeat(fmt.Sprint(i, "."), 1+i*i%997)
				rows[k] = v
				if err := tx.Put([]byte(k), []byte(v)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	err = errors.Join(e.Backup(&b, func(int64) error { return nil }), e.Close())
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), rows
}

// use reads and writes a file. It fails the test when a row comes back other than it was put, and tells whether an error was met.
func use(t *testing.T, path string, rows map[string]string) (met error) {
	t.Helper()
	writes := 3
	e, err := bolt.Open(path)
	if err != nil {
		return err
	}
	defer func() { met = errors.Join(met, e.Close()) }()
	for k, want := range rows {
		met = errors.Join(met, e.View(func(tx store.Tx) error {
			switch got := tx.Get([]byte(k)); {
			case got == nil:
				return fmt.Errorf("%s is lost", k)
			case string(got) != want:
				t.Fatalf("row %s has other bytes", k)
			}
			return nil
		}))
	}
	for _, table := range []string{"a", "b"} {
		met = errors.Join(met, e.View(func(tx store.Tx) error {
			n := 0
			for k, v := range tx.Scan([]byte(table), []byte{table[0] + 1}) {
				if n++; rows[string(k)] != string(v) {
					t.Fatalf("row %q has other bytes", k)
				}
			}
			for range tx.ScanBack([]byte(table), []byte{table[0] + 1}) {
				n--
			}
			if n != 0 {
				return fmt.Errorf("%d rows more one way than the other", n)
			}
			return nil
		}))
	}
	for k := range rows {
		if writes--; writes < 0 {
			break
		}
		met = errors.Join(met, e.Update(func(tx store.Tx) error { return errors.Join(tx.Put([]byte(k), []byte("new")), tx.Delete([]byte(k))) }))
	}
	return met
}

// Whatever happens to the bytes of a file, there are errors and no panics, and no row comes back other than it was put.
func TestDamageIsAnError(t *testing.T) {
	whole, rows := filled(t)
	path := filepath.Join(t.TempDir(), "sangam.db")
	random := rand.New(rand.NewPCG(1, 2))
	runs := 200
	if testing.Short() {
		runs = 50
	}
	for run := range runs {
		b := append([]byte(nil), whole...)
		pages := len(b)/4096 - 2 // the first two hold the states, of which one is enough
		at := (2 + random.IntN(pages)) * 4096
		switch run % 4 {
		case 0: // a bit
			b[at+random.IntN(4096)] ^= 1 << random.IntN(8)
		case 1: // the head of a page
			b[at+random.IntN(64)] ^= byte(1 + random.IntN(255))
		case 2: // a page that was never written
			clear(b[at : at+4096])
		case 3: // a page written elsewhere
			copy(b[at:], b[(2+random.IntN(pages))*4096:][:4096])
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		holes := holesOf(t, path)
		met := use(t, path, rows)
		if lost := met != nil && strings.Contains(met.Error(), "is lost"); lost && len(holes) == 0 && !errors.As(met, new(*store.Damage)) {
			t.Errorf("run %d: rows are lost and nothing is said of it", run)
		}
	}
}

func holesOf(t *testing.T, path string) []string {
	t.Helper()
	e, err := bolt.OpenReadOnly(path)
	if err != nil {
		return []string{err.Error()}
	}
	defer e.Close()
	holes, err := e.Holes()
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, h := range holes {
		all = append(all, h.Cause)
	}
	return all
}

func TestTruncatedFile(t *testing.T) {
	whole, _ := filled(t)
	path := filepath.Join(t.TempDir(), "sangam.db")
	for _, n := range []int{1, 100, 4095, 4096, 8192, 20000, len(whole) / 2, len(whole) - 4096} {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, open := range []func(string) (*bolt.Engine, error){bolt.Open, bolt.OpenReadOnly} {
			if _, err := open(path); err == nil || !strings.Contains(err.Error(), "is no store or is damaged") {
				t.Errorf("%d bytes of it: %v", n, err)
			}
		}
	}
}

func TestHolesNameKeys(t *testing.T) {
	whole, rows := filled(t)
	path := filepath.Join(t.TempDir(), "sangam.db")
	found := false
	for at := 8192; at < len(whole); at += 4096 {
		if binary.NativeEndian.Uint64(whole[at:]) != uint64(at/4096) || whole[at+8] > 2 { // inside of a row, or the list of free pages
			continue
		}
		b := bytes.Clone(whole)
		copy(b[at:], "damaged page")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := bolt.Open(path)
		if err != nil {
			continue
		}
		holes, err := e.Holes()
		if err != nil || len(holes) > 1 {
			t.Fatalf("holes %v, %v", holes, err)
		}
		found = found || len(holes) == 1
		for k, want := range rows {
			err := e.View(func(tx store.Tx) error {
				if got := tx.Get([]byte(k)); string(got) != want {
					t.Errorf("row %s is %q", k, got)
				}
				return nil
			})
			inside := len(holes) == 1 && k >= string(holes[0].From) && (k < string(holes[0].To) || holes[0].To == nil)
			if damage := (*store.Damage)(nil); inside != errors.As(err, &damage) {
				t.Errorf("holes %q, row %s: %v", holes, k, err)
			}
		}
		e.Close()
	}
	if !found {
		t.Error("no page was damaged")
	}
}

// One of the two states is enough, and the one before the last is whole.
func TestDamagedState(t *testing.T) {
	whole, _ := filled(t)
	path := filepath.Join(t.TempDir(), "sangam.db")
	for _, c := range []struct {
		pages []int
		fine  bool
	}{{[]int{0}, true}, {[]int{1}, true}, {[]int{0, 1}, false}} {
		b := bytes.Clone(whole)
		for _, p := range c.pages {
			b[p*4096+40] ^= 1
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := bolt.Open(path)
		if (err == nil) != c.fine {
			t.Errorf("pages %v: %v", c.pages, err)
		}
		if err == nil {
			e.Close()
		}
	}
}
