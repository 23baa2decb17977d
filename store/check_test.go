package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
	"wesouthasians.org/sangam/store/storetest"
)

// olderStore puts a store of layout 1 into a folder. A server made it: a list with an owner, members, an import, posts (4 is removed)
// that its relay did not take, a held post, a ban, a text, a password.
func olderStore(t testing.TB) (path string) {
	t.Helper()
	f, err := os.Open("testdata/layout1.db.zst")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	path = filepath.Join(t.TempDir(), "sangam.db")
	if err = errors.Join(err, os.WriteFile(path, b, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

func upgraded(t testing.TB) (path, kept string) {
	t.Helper()
	path = olderStore(t)
	kept, err := bolt.Upgrade(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return path, kept
}

func TestUpgrade(t *testing.T) {
	path := olderStore(t)
	if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrOld) {
		t.Errorf("opened as it is: %v", err)
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("of one that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := int64(0)
	kept, err := bolt.Upgrade(path, func(done, total int64) { told = done })
	if err != nil || told == 0 {
		t.Fatal(told, err)
	}
	if b, err := os.ReadFile(kept); err != nil || len(b) != len(was) {
		t.Errorf("the old store: %d bytes, %v", len(b), err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	if kept, err := bolt.Upgrade(path, nil); kept != "" || err != nil {
		t.Errorf("a second time: %q, %v", kept, err)
	}
	engine, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.Check(t, s)
	l, err := s.List("heplink@lists.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[uint64]string{1: "From the clinic", 3: "Hello 1", 5: "Hello 3"} {
		if raw, err := s.Raw(l.ID, n); err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("post %d: %q, %v", n, raw, err)
		}
	}
	n, err := s.CountMembers(l.ID)
	if raw, heldErr := s.HeldRaw(1); n != 21 || err != nil || heldErr != nil || !bytes.Contains(raw, []byte("Held")) {
		t.Errorf("%d members, %v; held %q, %v", n, err, raw, heldErr)
	}
}

func TestUpgradeOfNothing(t *testing.T) {
	if kept, err := bolt.Upgrade(filepath.Join(t.TempDir(), "sangam.db"), nil); kept != "" || err != nil {
		t.Error(kept, err)
	}
}

// problems of a store in a file.
func problems(t testing.TB, path string) (all []string) {
	t.Helper()
	e, err := bolt.OpenReadOnly(path)
	if err != nil {
		return []string{err.Error()}
	}
	defer e.Close()
	if _, err := store.Check(context.Background(), e, nil, func(p store.Problem) { all = append(all, p.What+": "+p.Is) }); err != nil {
		return append(all, err.Error())
	}
	return all
}

// readable is all that can be read of the posts of the older store, and errors for what cannot.
func readable(path string) (all []string) {
	e, err := bolt.Open(path)
	if err != nil {
		return []string{err.Error()}
	}
	defer e.Close()
	s, err := store.Open(e)
	if err != nil {
		return []string{err.Error()}
	}
	l, err := s.List("heplink@lists.example.org")
	all = append(all, fmt.Sprint(l, err))
	for n := range uint64(7) {
		p, err := s.Post(l.ID, n)
		all = append(all, fmt.Sprint(p, err))
		raw, err := s.Raw(l.ID, n)
		all = append(all, fmt.Sprint(string(raw), err))
	}
	for m, err := range s.Members(l.ID, "") {
		all = append(all, fmt.Sprint(m, err))
	}
	jobs, err := s.Jobs()
	all = append(all, fmt.Sprint(jobs, err))
	ts, err := s.Threads(l.ID, 0, 10)
	return append(all, fmt.Sprint(ts, err))
}

// A page that is damaged is found, breaks nothing but what is on it, and never the program.
func TestCheckFindsDamage(t *testing.T) {
	path, _ := upgraded(t)
	if found := problems(t, path); len(found) > 0 {
		t.Fatalf("a whole store: %q", found)
	}
	want := strings.Join(readable(path), "\n")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	pages := bytes.LastIndexFunc(whole, func(r rune) bool { return r != 0 })/4096 + 1
	for run := range 200 {
		b := bytes.Clone(whole[:pages*4096])
		at := (2 + random.IntN(pages-2)) * 4096
		if run%2 == 0 {
			b[at+random.IntN(4096)] ^= 1 << random.IntN(8)
		} else {
			b[at+random.IntN(200)] ^= byte(1 + random.IntN(255))
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		found := problems(t, path)
		if got := strings.Join(readable(path), "\n"); got != want && len(found) == 0 {
			t.Errorf("run %d: something is lost and nothing is said of it", run)
		}
	}
}

// Each row of these tables may go without leaving a trace: nothing else tells of it.
const independent = "AUFboqsexrgawSdTkW"

// Whichever row is missing, something is said of it.
func TestCheckFindsMissingRows(t *testing.T) {
	path, _ := upgraded(t)
	e, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var keys [][]byte
	e.View(func(tx store.Tx) error {
		for table := range byte(128) {
			for k := range tx.Keys([]byte{table}, []byte{table + 1}) {
				if len(k) > 0 && !strings.Contains(independent, string(table)) {
					keys = append(keys, bytes.Clone(k))
				}
			}
		}
		return nil
	})
	if len(keys) < 100 {
		t.Fatalf("%d rows", len(keys))
	}
	undo := errors.New("undo")
	for _, k := range keys {
		found := 0
		err := e.Update(func(tx store.Tx) error {
			if err := tx.Delete(k); err != nil {
				return err
			}
			if _, err := store.Check(context.Background(), snapshot{e, tx}, nil, func(store.Problem) { found++ }); err != nil {
				t.Error(err)
			}
			return undo
		})
		if found == 0 || !errors.Is(err, undo) {
			t.Errorf("row %q of table %c is missing and nothing is said of it: %v", k, k[0], err)
		}
	}
}

// snapshot is an engine within an update.
type snapshot struct {
	store.Engine
	tx store.Tx
}

func (s snapshot) View(fn func(store.Tx) error) error { return fn(s.tx) }
func (s snapshot) Holes() ([]store.Hole, error)       { return nil, nil }
