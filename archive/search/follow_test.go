package search

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
)

func TestRemovedPostsLeaveAtOnceAndForGood(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	for i := range 3 {
		w.post(l, mail(fmt.Sprint(i), "Word", "word"))
	}
	w.catchUp()
	if err := w.store.RemovePost(l.ID, 2); err != nil {
		t.Fatal(err)
	}
	if got := w.search("word", l); len(got.Hits) != 2 || got.Total != 2 {
		t.Errorf("before the index follows: %d of %d", len(got.Hits), got.Total)
	}
	w.catchUp()
	if n := documents(w); n != 2 {
		t.Errorf("the index holds %d posts", n)
	}
	if err := w.store.RemovePost(l.ID, 3); err != nil {
		t.Fatal(err)
	}
	w.post(l, mail("4", "Word", "word"))
	w.catchUp()
	if got := w.found("word", l); got != "4 1" {
		t.Errorf("found %s", got)
	}
}

// documents counts what the index holds.
func documents(w *world) (n uint64) {
	w.Helper()
	err := w.index.use(func(e *engine) error {
		r, err := e.Reader()
		if err != nil {
			return err
		}
		defer r.Close()
		n, err = r.DocCount()
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func TestRemovedListLeaves(t *testing.T) {
	w := newWorld(t)
	gone, stays := w.list("gone"), w.list("stays")
	w.post(gone, mail("1", "Word", "word"))
	w.post(stays, mail("2", "Word", "word"))
	w.catchUp()
	if err := w.store.RemoveList(gone.ID); err != nil {
		t.Fatal(err)
	}
	w.catchUp()
	if n := documents(w); n != 1 {
		t.Errorf("the index holds %d posts", n)
	}
	if got := w.search("word", gone, stays); len(got.Hits) != 1 {
		t.Errorf("found %v", got)
	}
}

// Of a list that is not among those of the request nothing is told: no post, no number of posts, no order.
func TestOtherListsStayUnknown(t *testing.T) {
	w := newWorld(t)
	open, secret := w.list("open"), w.list("secret")
	w.post(open, mail("1", "Weather", "Rain on the word."))
	before := func() string {
		w.catchUp()
		var all []string
		for _, query := range []string{"word", "rain OR word", "subject:weather", "from:asha", "-zzz", "list:secret", "list:secret OR rain", "-list:secret", "after:2020", "\"the word\"", "has:attachment", "meeting"} {
			res := w.search(query, open)
			all = append(all, fmt.Sprint(query, res.Total, res.Behind, len(res.Hits)))
			for _, h := range res.Hits {
				all = append(all, fmt.Sprint(h.List.Name, h.Post.Number, h.Excerpt))
			}
		}
		return strings.Join(all, "\n")
	}
	without := before()
	for i := range 5 {
		w.post(secret, mail(fmt.Sprint("s", i), "Weather meeting", "The word of the meeting, rain or not."))
	}
	if with := before(); with != without {
		t.Errorf("another list shows:\n%s\nwithout it:\n%s", with, without)
	}
	if got := w.search("meeting", secret); got.Total != 5 {
		t.Errorf("who may read it finds %d", got.Total)
	}
	if got := w.search("meeting"); got.Total != 0 {
		t.Error("who may read nothing finds something")
	}
}

func TestStrangersDoNotFindWholeAddresses(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	w.post(l, "From: Asha Rao <asha@clinic.example>\nTo: mina@office.example\nSubject: Hello\nMessage-ID: <1@x.example>\n\nHello.\n")
	w.catchUp()
	for query, want := range map[string][2]int{"from:asha@clinic.example": {1, 1}, "from:clinic": {1, 0}, "clinic": {1, 0}, "from:rao": {1, 1}, "to:office": {1, 0}, "to:mina": {1, 1}, "rao": {1, 1}} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		for i, hide := range []func(store.List) bool{nil, func(store.List) bool { return true }} {
			res, err := w.index.Search(t.Context(), Request{Query: q, Lists: []store.List{l}, Limit: 5, Hide: hide})
			if err != nil || res.Total != want[i] {
				t.Errorf("%s, stranger %v: %d, %v", query, i == 1, res.Total, err)
			}
		}
	}
}

// warns takes the warnings that are expected.
type warns struct {
	*world
	text *strings.Builder
}

func (w *world) warned() *warns {
	x := &warns{w, &strings.Builder{}}
	w.log = slog.NewTextHandler(x.text, &slog.HandlerOptions{Level: slog.LevelWarn})
	return x
}

func TestMissingDamagedAndForeignIndexesAreMadeAnew(t *testing.T) {
	segment := func(t *testing.T, w *world) string {
		files, err := filepath.Glob(filepath.Join(w.folder, "*.zap"))
		if err != nil || len(files) == 0 {
			t.Fatal("no files", err)
		}
		return files[0]
	}
	for name, spoil := range map[string]func(t *testing.T, w *world){
		"missing":    func(t *testing.T, w *world) { os.RemoveAll(w.folder) },
		"no segment": func(t *testing.T, w *world) { os.Remove(segment(t, w)) },
		"empty":      func(t *testing.T, w *world) { os.Truncate(segment(t, w), 0) },
		"cut short":  func(t *testing.T, w *world) { os.Truncate(segment(t, w), 300) },
		"no root":    func(t *testing.T, w *world) { os.Remove(filepath.Join(w.folder, "root.bolt")) },
		"garbled root": func(t *testing.T, w *world) {
			os.WriteFile(filepath.Join(w.folder, "root.bolt"), make([]byte, 9000), 0o600)
		},
		"flipped byte": func(t *testing.T, w *world) {
			b, err := os.ReadFile(segment(t, w))
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 0xff
			os.WriteFile(segment(t, w), b, 0o600)
		},
		"other version": func(t *testing.T, w *world) {
			if err := w.index.use(func(e *engine) error { return e.SetInternal([]byte(keyIdentity), []byte("0 x")) }); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.list("heplink")
			for i := range 20 {
				w.post(l, mail(fmt.Sprint(i), "Word", fmt.Sprintf("word number%d", i)))
			}
			w.catchUp()
			if name == "other version" {
				spoil(t, w)
				w.close()
			} else {
				w.close()
				spoil(t, w)
			}
			w.warned()
			w.open()
			w.index.check()
			w.catchUp()
			if n := documents(w); n != 20 {
				t.Errorf("%d posts", n)
			}
			if got := w.found("number7", l); got != "8" {
				t.Errorf("found %q", got)
			}
		})
	}
}

// copyFolder is what a crash leaves: the files as they are at a moment.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		src, err := os.Open(filepath.Join(from, e.Name()))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		dst, err := os.Create(filepath.Join(to, e.Name()))
		if err == nil {
			_, err = io.Copy(dst, src)
		}
		if err != nil {
			t.Fatal(err)
		}
		src.Close()
		dst.Close()
	}
}

// After a crash at any moment every post is in the index once.
func TestCrashNeitherLosesNorDoubles(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	var as []store.Acceptance
	for i := range 1300 {
		as = append(as, acceptance(l, mail(fmt.Sprint(i), "Word", fmt.Sprintf("word number%d", i))))
	}
	if _, err := w.store.AcceptAll(t.Context(), as); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	n := 0
	err := w.index.CatchUp(t.Context(), func(done, total uint64) {
		copyFolder(t, w.folder, filepath.Join(root, fmt.Sprint(n)))
		n++
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		w.close()
		w.folder = filepath.Join(root, fmt.Sprint(i))
		w.warned()
		w.open()
		w.catchUp()
		if got := documents(w); got != 1300 {
			t.Errorf("after crash %d: %d posts", i, got)
		}
		if got := w.search("word", l).Total; got != 1300 {
			t.Errorf("after crash %d: %d are found", i, got)
		}
	}
}

// A store that was put back from a backup and went on is not the one that the index has followed.
func TestAnotherPastIsNoticed(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	w.post(l, mail("1", "Word", "word"))
	w.post(l, mail("2", "Word", "word"))
	w.catchUp()
	err := w.index.use(func(e *engine) error {
		return e.SetInternal([]byte(keyCursor(l.ID)), []byte(`{"Upto":2,"Content":"AAAA","Removed":0}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	w.open()
	w.post(l, mail("3", "Word", "word"))
	w.catchUp()
	if got := w.search("word", l).Total; got != 3 || documents(w) != 3 {
		t.Errorf("found %d", got)
	}
	if err := w.index.use(func(e *engine) error {
		return e.SetInternal([]byte(keyCursor(l.ID)), []byte(`{"Upto":9,"Content":"AAAA","Removed":0}`))
	}); err != nil {
		t.Fatal(err)
	}
	w.catchUp()
	if got := w.search("word", l).Total; got != 3 || documents(w) != 3 {
		t.Errorf("found %d", got)
	}
}

func TestIndexingAgain(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	w.post(l, mail("1", "Word", "word"))
	w.catchUp()
	told := uint64(0)
	tell := func(done, total uint64) { told += done }
	if err := w.index.Again(t.Context(), []store.List{l}, tell); err != nil {
		t.Fatal(err)
	}
	w.warned()
	w.index.Log = slog.New(w.log)
	if err := w.index.Afresh(t.Context(), tell); err != nil {
		t.Fatal(err)
	}
	if got := w.found("word", l); got != "1" || told != 2 {
		t.Errorf("found %q, told of %d", got, told)
	}
}

// An index whose folder cannot be made is an error, and posts are accepted all the same.
func TestFolderThatCannotBeMade(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	w.folder = filepath.Join(w.folder, "file", "x")
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(w.folder)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(w.folder), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.warned()
	w.open()
	if err := w.index.CatchUp(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "search index") {
		t.Error(err)
	}
	w.post(l, mail("1", "Word", "word"))
}

func TestFollowerIndexesWithinASecond(t *testing.T) {
	w := newWorld(t)
	l := w.list("heplink")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.index.Run(ctx) }()
	w.post(l, mail("1", "Word", "word"))
	for begun := time.Now(); documents(w) != 1; time.Sleep(5 * time.Millisecond) { // a search would index the post itself
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the post is not found")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
