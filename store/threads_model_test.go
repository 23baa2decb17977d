package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// placed is a post as the naive model knows it. Its number is its place in the model, from 1.
type placed struct {
	id               string
	refs             []string // nearest first
	parent, distance int
}

// naive finds threads and parents by looking at every post for each new one.
type naive []placed

func (m naive) first(id string) int {
	return slices.IndexFunc(m, func(p placed) bool { return id != "" && p.id == id }) + 1
}

func (m naive) above(n, up int) bool {
	for at := n; at != 0; at = m[at-1].parent {
		if at == up {
			return true
		}
	}
	return false
}

func (m *naive) add(id string, refs []string) {
	slices.Reverse(refs)
	p, n := placed{id: id, refs: refs}, len(*m)+1
	for i, ref := range refs {
		if up := m.first(ref); up != 0 && p.parent == 0 {
			p.parent, p.distance = up, i
		}
	}
	twin := m.first(id)
	if twin != 0 {
		p.parent, p.distance = twin, 0
	}
	*m = append(*m, p)
	if twin != 0 || id == "" {
		return
	}
	for at := range *m {
		o := &(*m)[at]
		d := slices.Index(o.refs, id)
		if d >= 0 && at+1 != n && (o.parent == 0 || d < o.distance) && !m.above(n, at+1) {
			o.parent, o.distance = n, d
		}
	}
}

// threads are those of all posts: what shares a Message-ID, its own or one that it names, is one thread.
func (m naive) threads() []int {
	of := make([]int, len(m))
	for i := range of {
		of[i] = i + 1
	}
	for changed := true; changed; {
		changed = false
		for i, p := range m {
			for j, q := range m[:i] {
				names := append([]string{p.id}, p.refs...)
				if of[i] != of[j] && slices.ContainsFunc(append([]string{q.id}, q.refs...), func(s string) bool { return s != "" && slices.Contains(names, s) }) {
					of[i], of[j], changed = min(of[i], of[j]), min(of[i], of[j]), true
				}
			}
		}
	}
	return of
}

// TestThreadsAgainstModel sends posts whose parents are missing, late, their own descendants or themselves, and posts with the id of another.
func TestThreadsAgainstModel(t *testing.T) {
	s := storetest.NewStore(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		l, err := s.CreateList(store.List{Name: fmt.Sprintf("list%d", run), Domain: "x.org", Settings: store.DefaultSettings(), Created: now})
		if err != nil {
			r.Fatal(err)
		}
		var m naive
		met := map[uint64]int{} // threads that a post was ever in
		for range rapid.IntRange(1, 25).Draw(r, "posts") {
			id := rapid.StringMatching(`(m[0-9a-f])?`).Draw(r, "id")
			refs := rapid.SliceOfNDistinct(rapid.StringMatching(`m[0-9a-f]`), 0, 4, rapid.ID[string]).Draw(r, "references")
			body := fmt.Sprintf("%d of %d", len(m)+1, run)
			p, err := s.Accept(context.Background(), store.Acceptance{List: l.ID, MessageID: id, Content: sha256.Sum256([]byte(body)), References: slices.Clone(refs),
				KeepBoth: true, Build: func(uint64) ([]byte, store.Post, error) {
					return []byte(body), store.Post{Date: now, Received: now}, nil
				}})
			if err != nil {
				r.Fatal(err)
			}
			m.add(id, refs)
			met[p.Thread] = len(m)
			if rapid.IntRange(0, 9).Draw(r, "remove") == 0 {
				if err := s.RemovePost(l.ID, uint64(rapid.IntRange(1, len(m)).Draw(r, "number"))); err != nil {
					r.Fatal(err)
				}
			}
		}
		threads := m.threads()
		for i, want := range m {
			p, err := s.Post(l.ID, uint64(i+1))
			if err != nil || p.Thread != uint64(threads[i]) || p.Parent != uint64(want.parent) {
				r.Fatalf("post %d is in thread %d below %d, want %d below %d: %v", i+1, p.Thread, p.Parent, threads[i], want.parent, err)
			}
		}
		for id, n := range met {
			if th, err := s.Thread(l.ID, id); err != nil || th.ID != uint64(threads[n-1]) {
				r.Fatalf("thread %d is found as %d, want %d: %v", id, th.ID, threads[n-1], err)
			}
		}
		checkThreadRows(r, s, l, threads)
	})
}

// checkThreadRows compares each thread's description with its posts.
func checkThreadRows(r *rapid.T, s *store.Store, l store.List, threads []int) {
	ts, err := s.Threads(l.ID, 0, 1000)
	if err != nil {
		r.Fatal(err)
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(threads))); len(ts) != len(distinct) {
		r.Fatalf("%d threads are listed, want %d", len(ts), len(distinct))
	}
	for _, th := range ts {
		ps, err := s.ThreadPosts(l.ID, th.ID, 0, 1000)
		removed := 0
		for _, p := range ps {
			if p.Removed {
				removed++
			}
		}
		if err != nil || th.Posts != len(ps) || th.Removed != removed || th.LatestNumber != ps[len(ps)-1].Number {
			r.Fatalf("thread %+v has %d posts, %d removed: %v", th, len(ps), removed, err)
		}
	}
}

// TestLateParentOfAll: a long chain of answers, and many answers to one that is missing, which then comes below the chain.
func TestLateParentOfAll(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	const n = 1000
	var as []store.Acceptance
	for i := range n {
		as = append(as, mail(l, fmt.Sprintf("chain%d@x", i+1), fmt.Sprint("chain", i), fmt.Sprintf("chain%d@x", i)))
	}
	for i := range n {
		as = append(as, mail(l, fmt.Sprintf("answer%d@x", i), fmt.Sprint("answer", i), "late@x"))
	}
	as = append(as, mail(l, "late@x", "late", fmt.Sprintf("chain%d@x", n)))
	rs, err := s.AcceptAll(context.Background(), as)
	if err != nil {
		t.Fatal(err)
	}
	late := rs[2*n].Post
	if late.Thread != 1 || late.Parent != n {
		t.Errorf("the late post is in thread %d below %d", late.Thread, late.Parent)
	}
	for _, i := range []uint64{n + 1, 2 * n} {
		if p, err := s.Post(l.ID, i); err != nil || p.Thread != 1 || p.Parent != late.Number {
			t.Errorf("post %d is in thread %d below %d: %v", i, p.Thread, p.Parent, err)
		}
	}
	if th, err := s.Thread(l.ID, n+1); err != nil || th.ID != 1 || th.Posts != 2*n+1 {
		t.Errorf("joined thread: %+v, %v", th, err)
	}
	if log, err := s.Log(l.ID); err != nil || log.Threads != 1 || errors.Is(rs[2*n].Err, store.ErrDuplicate) {
		t.Errorf("log: %+v, %v", log, err)
	}
}
