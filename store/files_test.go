package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// gathered is what a list should show of files, newest first, by looking at all of them: IDs, the older versions behind a colon.
func gathered(all []store.File, q store.FileQuery) (want []string) {
	seen := map[[16]byte]bool{}
	versions := map[[16]byte][]store.File{}
	for _, f := range all {
		if !seen[f.Content] {
			seen[f.Content] = true
			versions[f.Group] = append(versions[f.Group], f)
		}
	}
	for _, f := range slices.Backward(all) {
		vs := versions[f.Group]
		if len(vs) == 0 || vs[len(vs)-1].ID != f.ID || q.Before != 0 && f.ID >= q.Before || q.Links && !f.Link() || q.Attachments && f.Link() ||
			slices.ContainsFunc(q.Words, func(w string) bool { return !strings.Contains(f.Words, w) }) {
			continue
		}
		line := fmt.Sprint(f.ID, ":")
		for _, v := range slices.Backward(vs[:len(vs)-1]) {
			line += fmt.Sprint(" ", v.ID)
		}
		want = append(want, line)
	}
	return want[:min(len(want), q.Limit)]
}

func TestFilesAgainstModel(t *testing.T) {
	s := storetest.NewStore(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		l, err := s.CreateList(store.List{Name: fmt.Sprintf("list%d", run), Domain: "x.org", Settings: store.DefaultSettings(), Created: now})
		if err != nil {
			r.Fatal(err)
		}
		var all []store.File
		gone := map[uint64]bool{}
		log := store.Log{}
		r.Repeat(map[string]func(*rapid.T){
			"post": func(r *rapid.T) {
				log.Last = accept(t, s, mail(l, fmt.Sprintf("%d-%d@x", run, log.Last+1), fmt.Sprint(run, log.Last+1))).Number
			},
			"gather": func(r *rapid.T) {
				c, err := s.FilesCursor(l.ID)
				if err != nil || c.Upto == log.Last {
					return
				}
				var fs []store.File
				for n := c.Upto + 1; n <= log.Last; n++ {
					for range rapid.IntRange(0, 3).Draw(r, "files") {
						f := store.File{Post: n, K: rapid.IntRange(0, 1).Draw(r, "k"), Name: "a", Words: rapid.SampledFrom([]string{"red", "green", "red green"}).Draw(r, "words")}
						f.Content[0] = rapid.Byte().Draw(r, "content") % 6
						f.Group[0] = rapid.Byte().Draw(r, "group") % 4
						fs = append(fs, f)
					}
				}
				if err := s.AddFiles(l.ID, c, log.Last, fs); err != nil {
					r.Fatal(err)
				}
				if err := s.AddFiles(l.ID, c, log.Last, fs); !errors.Is(err, store.ErrConflict) {
					r.Fatalf("the same again: %v", err)
				}
				for _, f := range fs {
					if !gone[f.Post] {
						c.Last++
						f.ID = c.Last
						all = append(all, f)
					}
				}
			},
			"remove": func(r *rapid.T) {
				if log.Last == 0 {
					return
				}
				n := rapid.Uint64Range(1, log.Last).Draw(r, "number")
				if err := s.RemovePost(l.ID, n); err != nil {
					r.Fatal(err)
				}
				gone[n] = true
				all = slices.DeleteFunc(all, func(f store.File) bool { return f.Post == n })
			},
			"": func(r *rapid.T) {
				q := store.FileQuery{Before: rapid.Uint64Range(0, uint64(len(all))).Draw(r, "before"), Links: rapid.Bool().Draw(r, "links"),
					Attachments: rapid.Bool().Draw(r, "attachments"), Limit: rapid.IntRange(1, 9).Draw(r, "limit"),
					Words: rapid.SliceOfN(rapid.SampledFrom([]string{"red", "green"}), 0, 2).Draw(r, "words")}
				fs, err := s.Files(l.ID, q)
				if err != nil {
					r.Fatal(err)
				}
				var got []string
				for _, f := range fs {
					line := fmt.Sprint(f.ID, ":")
					for _, v := range f.Earlier {
						line += fmt.Sprint(" ", v.ID)
					}
					got = append(got, line)
				}
				if want := gathered(all, q); !slices.Equal(got, want) {
					r.Fatalf("%+v finds %q, want %q", q, got, want)
				}
			},
		})
		for _, f := range all {
			if got, err := s.File(l.ID, f.ID); err != nil || got.In.Number != f.Post {
				r.Fatalf("file %d: %+v, %v", f.ID, got, err)
			}
		}
		if err := s.ResetFiles(l.ID, 2); err != nil {
			r.Fatal(err)
		}
		fs, err := s.Files(l.ID, store.FileQuery{Limit: 1})
		c, cerr := s.FilesCursor(l.ID)
		if err != nil || cerr != nil || len(fs) > 0 || c != (store.FilesCursor{Version: 2}) {
			r.Fatalf("after a reset: %v, %+v: %v %v", fs, c, err, cerr)
		}
		if err := s.AddFiles(l.ID, c, 1, []store.File{{Post: 1}}); err != nil {
			r.Fatal(err)
		}
		if err := s.ResetFiles(l.ID, 2); err != nil { // by a slower gatherer
			r.Fatal(err)
		}
		if n, err := s.FilesCursor(l.ID); err != nil || n.Upto != 1 {
			r.Fatalf("a second reset leaves %+v, %v", n, err)
		}
		if err := s.ResetFiles(l.ID, 3); err != nil {
			r.Fatal(err)
		}
	})
}
