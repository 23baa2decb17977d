package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"wesouthasians.org/sangam/store"
)

// Engine is the suite that every engine passes. open opens or makes the engine at a path.
func Engine(t *testing.T, open func(path string) (store.Engine, error)) {
	s := suite{open}
	t.Run("order", s.order)
	t.Run("a failed update leaves nothing", s.failure)
	t.Run("a panic reaches its caller", s.panics)
	t.Run("a view is a snapshot", s.snapshot)
	t.Run("concurrent updates", s.concurrent)
	t.Run("reopening and backup", s.durable)
	t.Run("random operations", s.random)
}

type suite struct {
	open func(path string) (store.Engine, error)
}

func (s suite) start(t testing.TB) store.Engine {
	t.Helper()
	e, err := s.open(filepath.Join(t.TempDir(), "engine"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func update(t testing.TB, e store.Engine, fn func(tx store.Tx) error) {
	t.Helper()
	if err := e.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func keysOf(scan iter.Seq2[[]byte, []byte]) (ks []string) {
	for k := range scan {
		ks = append(ks, string(k))
	}
	return ks
}

func texts(keys iter.Seq[[]byte]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range keys {
			if !yield(string(k)) {
				return
			}
		}
	}
}

func (s suite) order(t *testing.T) {
	e := s.start(t)
	update(t, e, func(tx store.Tx) error {
		for _, k := range []string{"ab", "a", "ba", "aa", "ac", "a\x00"} {
			if err := tx.Put([]byte(k), []byte("v"+k)); err != nil {
				return err
			}
		}
		return nil
	})
	e.View(func(tx store.Tx) error {
		for _, c := range []struct {
			from, to string
			want     []string
		}{{"a", "b", []string{"a", "a\x00", "aa", "ab", "ac"}}, {"aa", "ac", []string{"aa", "ab"}}, {"ad", "b", nil}, {"b", "c", []string{"ba"}}, {"z", "zz", nil}} {
			if got := keysOf(tx.Scan([]byte(c.from), []byte(c.to))); !slices.Equal(got, c.want) {
				t.Errorf("scan from %q to %q: %q", c.from, c.to, got)
			}
			slices.Reverse(c.want)
			if got := keysOf(tx.ScanBack([]byte(c.from), []byte(c.to))); !slices.Equal(got, c.want) {
				t.Errorf("scan back from %q to %q: %q", c.from, c.to, got)
			}
		}
		if got := slices.Collect(texts(tx.Keys([]byte("aa"), []byte("ac")))); !slices.Equal(got, []string{"aa", "ab"}) {
			t.Errorf("keys %q", got)
		}
		if tx.Get([]byte("none")) != nil || string(tx.Get([]byte("aa"))) != "vaa" {
			t.Error("get")
		}
		return nil
	})
}

var errExpected = errors.New("expected")

func (s suite) failure(t *testing.T) {
	e := s.start(t)
	err := e.Update(func(tx store.Tx) error {
		tx.Put([]byte("a"), []byte("1"))
		return errExpected
	})
	if !errors.Is(err, errExpected) {
		t.Errorf("error is %v", err)
	}
	e.View(func(tx store.Tx) error {
		if tx.Get([]byte("a")) != nil {
			t.Error("something is left")
		}
		return nil
	})
}

func (s suite) panics(t *testing.T) {
	e := s.start(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		e.Update(func(tx store.Tx) error { panic("in a transaction") })
	}()
	update(t, e, func(tx store.Tx) error { return tx.Put([]byte("a"), []byte("1")) })
}

func (s suite) snapshot(t *testing.T) {
	e := s.start(t)
	update(t, e, func(tx store.Tx) error { return tx.Put([]byte("a"), []byte("1")) })
	e.View(func(tx store.Tx) error {
		done := make(chan error)
		go func() {
			done <- e.Update(func(tx store.Tx) error { return tx.Put([]byte("a"), []byte("2")) })
		}()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := string(tx.Get([]byte("a"))); got != "1" {
			t.Errorf("the view sees %q", got)
		}
		return nil
	})
}

// concurrent updates each keep what they read and wrote, also beside ones that fail.
func (s suite) concurrent(t *testing.T) {
	e := s.start(t)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 20 {
				err := e.Update(func(tx store.Tx) error {
					n := len(tx.Get([]byte("n")))
					if err := tx.Put([]byte("n"), bytes.Repeat([]byte("x"), n+1)); err != nil {
						return err
					}
					if worker%4 == 0 {
						return errExpected
					}
					return tx.Put(fmt.Appendf(nil, "k%d.%d", worker, i), []byte("v"))
				})
				if (worker%4 == 0) != errors.Is(err, errExpected) {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	wg.Wait()
	e.View(func(tx store.Tx) error {
		if n := len(tx.Get([]byte("n"))); n != 12*20 {
			t.Errorf("%d updates are kept, want %d", n, 12*20)
		}
		if n := len(keysOf(tx.Scan([]byte("k"), []byte("l")))); n != 12*20 {
			t.Errorf("%d rows", n)
		}
		return nil
	})
}

func (s suite) durable(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "engine"), filepath.Join(dir, "copy")
	e, err := s.open(path)
	if err != nil {
		t.Fatal(err)
	}
	update(t, e, func(tx store.Tx) error { return tx.Put([]byte("a"), []byte("1")) })
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	if err := e.Backup(f, func(n int64) error { size = n; return nil }); err != nil {
		t.Fatal(err)
	}
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != size {
		t.Errorf("a copy of %d bytes was announced and %d came: %v", size, at, err)
	}
	f.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, copied} {
		e, err := s.open(p)
		if err != nil {
			t.Fatal(err)
		}
		e.View(func(tx store.Tx) error {
			if string(tx.Get([]byte("a"))) != "1" {
				t.Errorf("%s lost a row", p)
			}
			return nil
		})
		if holes, err := e.Holes(); err != nil || len(holes) > 0 {
			t.Errorf("%s has holes: %v, %v", p, holes, err)
		}
		e.Close()
	}
}

// random compares the engine with a map.
func (s suite) random(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		e, err := s.open(filepath.Join(dir, fmt.Sprint(n)))
		if err != nil {
			r.Fatal(err)
		}
		defer e.Close()
		model := map[string]string{}
		word := rapid.StringMatching(`[ab][a-c]{0,3}`)
		r.Repeat(map[string]func(*rapid.T){
			"update": func(r *rapid.T) {
				next := maps.Clone(model)
				fails := rapid.Bool().Draw(r, "fails")
				ops := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) [2]string {
					return [2]string{word.Draw(r, "key"), rapid.StringN(0, 5, 5).Draw(r, "value")}
				}), 0, 8).Draw(r, "ops")
				e.Update(func(tx store.Tx) error {
					for _, op := range ops {
						if op[1] == "" {
							tx.Delete([]byte(op[0]))
							delete(next, op[0])
						} else {
							tx.Put([]byte(op[0]), []byte(op[1]))
							next[op[0]] = op[1]
						}
					}
					if fails {
						return errExpected
					}
					return nil
				})
				if !fails {
					model = next
				}
			},
			"": func(r *rapid.T) {
				e.View(func(tx store.Tx) error {
					for _, table := range []string{"a", "b"} {
						var want []string
						for k := range model {
							if k[:1] == table {
								want = append(want, k)
							}
						}
						slices.Sort(want)
						if got := keysOf(tx.Scan([]byte(table), []byte{table[0] + 1})); !slices.Equal(got, want) {
							r.Fatalf("rows %q, want %q", got, want)
						}
					}
					for k, v := range model {
						if string(tx.Get([]byte(k))) != v {
							r.Fatalf("%q is %q, want %q", k, tx.Get([]byte(k)), v)
						}
					}
					return nil
				})
			},
		})
	})
}
