package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func newList(t testing.TB, s *store.Store, name string) store.List {
	t.Helper()
	l, err := s.CreateList(store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings(), Created: now})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func join(t testing.TB, s *store.Store, l store.List, a string) store.Member {
	t.Helper()
	m, err := s.NewMember(l.ID, a, now.Add(-time.Hour))
	if err == nil {
		err = s.AddMember(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mail is an acceptance of a post with a body of its own; refs are ancestors, the parent last.
func mail(l store.List, id, body string, refs ...string) store.Acceptance {
	return store.Acceptance{List: l.ID, MessageID: id, Content: sha256.Sum256([]byte(body)), References: refs,
		Build: func(uint64) ([]byte, store.Post, error) {
			return []byte(body), store.Post{Subject: "about " + id, Date: now, Received: now}, nil
		}}
}

func accept(t testing.TB, s *store.Store, a store.Acceptance) store.Post {
	t.Helper()
	p, err := s.Accept(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAcceptNumbersAndKeepsBytes(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	big := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // several chunks
	for i, body := range []string{"one", string(big), ""} {
		p := accept(t, s, mail(l, fmt.Sprintf("m%d@x", i), body))
		if p.Number != uint64(i+1) || p.Size != int64(len(body)) {
			t.Errorf("post %d has number %d, size %d", i, p.Number, p.Size)
		}
		if raw, err := s.Raw(l.ID, p.Number); err != nil || string(raw) != body {
			t.Errorf("post %d: bytes differ (%v)", i, err)
		}
	}
	log, _ := s.Log(l.ID)
	if log.Last != 3 || log.Count != 3 || log.Threads != 3 {
		t.Errorf("log is %+v", log)
	}
}

func TestAcceptRefusesDuplicates(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	ctx := context.Background()
	first := accept(t, s, mail(l, "a@x", "text"))
	if p, err := s.Accept(ctx, mail(l, "a@x", "text")); !errors.Is(err, store.ErrDuplicate) || p.Number != first.Number {
		t.Errorf("same again: %v, post %d", err, p.Number)
	}
	if _, err := s.Accept(ctx, mail(l, "a@x", "other")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("other content: %v", err)
	}
	both := mail(l, "a@x", "other")
	both.KeepBoth = true
	if p := accept(t, s, both); p.Thread != first.Thread || p.Parent != first.Number {
		t.Errorf("kept post is in thread %d below %d", p.Thread, p.Parent)
	}
	accept(t, s, mail(l, "", "no id"))
	if _, err := s.Accept(ctx, mail(l, "", "no id")); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("without an id, same content: %v", err)
	}
}

func TestThreads(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	c := accept(t, s, mail(l, "c@x", "c", "a@x", "b@x")) // both ancestors missing
	d := accept(t, s, mail(l, "d@x", "d", "b@x"))
	if d.Thread != c.Thread {
		t.Errorf("siblings of a missing parent are in threads %d and %d", c.Thread, d.Thread)
	}
	a := accept(t, s, mail(l, "a@x", "a"))
	if got, _ := s.Post(l.ID, c.Number); got.Parent != a.Number || a.Thread != c.Thread {
		t.Errorf("grandparent arrived: parent %d, thread %d", got.Parent, a.Thread)
	}
	b := accept(t, s, mail(l, "b@x", "b", "a@x"))
	for _, n := range []uint64{c.Number, d.Number} {
		if got, _ := s.Post(l.ID, n); got.Parent != b.Number {
			t.Errorf("late parent: post %d is below %d, want %d", n, got.Parent, b.Number)
		}
	}
	other := accept(t, s, mail(l, "e@x", "e"))
	accept(t, s, mail(l, "f@x", "f", "e@x", "a@x")) // makes two threads one
	th, err := s.Thread(l.ID, other.Thread)
	if err != nil || th.ID != c.Thread || th.Posts != 6 {
		t.Errorf("merged thread: %+v, %v", th, err)
	}
	accept(t, s, mail(l, "loop1@x", "1", "loop2@x"))
	accept(t, s, mail(l, "loop2@x", "2", "loop1@x"))
	l1, _ := s.PostsByMessageID(l.ID, "loop1@x")
	p, _ := s.Post(l.ID, l1[0])
	if p.Parent != 0 {
		t.Errorf("a loop of parents was closed: %+v", p)
	}
	ts, _ := s.Threads(l.ID, 0, 10)
	if len(ts) != 2 || ts[0].LatestNumber < ts[1].LatestNumber {
		t.Errorf("threads: %+v", ts)
	}
	if log, _ := s.Log(l.ID); log.Threads != 2 {
		t.Errorf("%d threads counted", log.Threads)
	}
}

func TestFlags(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	change := func(c store.FlagChange) {
		t.Helper()
		c.List = l.ID
		if err := s.ChangeFlags("asha@example.org", []store.FlagChange{c}); err != nil {
			t.Fatal(err)
		}
	}
	change(store.FlagChange{Numbers: []uint64{1, 2, 9000}, Add: []string{`\Seen`, "Work"}})
	change(store.FlagChange{Numbers: []uint64{2}, Remove: []string{`\seen`}})
	change(store.FlagChange{Numbers: []uint64{9000}, Add: []string{"work"}, Replace: true})
	f, _ := s.Flags("asha@example.org", l.ID)
	seen, work := f[`\Seen`], f["Work"]
	if got := slices.Collect(seen.All()); !slices.Equal(got, []uint64{1}) {
		t.Errorf("seen: %v", got)
	}
	if got := slices.Collect(work.All()); !slices.Equal(got, []uint64{1, 2, 9000}) || work.Len() != 3 {
		t.Errorf("work: %v", got)
	}
	if f, _ := s.Flags("other@example.org", l.ID); len(f) != 0 {
		t.Errorf("another account has %v", f)
	}
}

func inboxOf(t *testing.T, s *store.Store, a store.Address) (es []store.InboxEntry) {
	t.Helper()
	for e, err := range s.Inbox(a, 1) {
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	return es
}

func TestInboxKeepsUIDs(t *testing.T) {
	s := storetest.NewStore(t)
	one, two := newList(t, s, "one"), newList(t, s, "two")
	post := func(l store.List) { t.Helper(); accept(t, s, mail(l, "", fmt.Sprint(l.Name, time.Now().UnixNano()))) }
	post(two)
	post(one)
	m := join(t, s, one, "asha@example.org")
	post(two)
	post(one)
	was := inboxOf(t, s, m.Address)
	if len(was) != 2 || was[0].List != one.ID || was[1].Number != 2 {
		t.Fatalf("inbox is %v", was)
	}
	join(t, s, two, "asha@example.org")
	post(two)
	post(one)
	got := inboxOf(t, s, m.Address)
	if len(got) != 6 || !slices.Equal(got[:2], was) {
		t.Fatalf("after joining another list: %v", got)
	}
	if !slices.IsSortedFunc(got, func(a, b store.InboxEntry) int { return int(a.UID) - int(b.UID) }) {
		t.Errorf("UIDs do not ascend: %v", got)
	}
	next, _ := s.InboxNext(m.Address)
	if next <= got[5].UID {
		t.Errorf("UIDNEXT %d after UID %d", next, got[5].UID)
	}
	s.RemoveMember(one.ID, m.Address)
	s.RemovePost(two.ID, 1)
	left := inboxOf(t, s, m.Address)
	for _, e := range left {
		if e.List != two.ID || !slices.Contains(got, e) {
			t.Errorf("after leaving: %v", left)
		}
	}
	if len(left) != 2 {
		t.Errorf("after leaving: %v", left)
	}
	join(t, s, one, "asha@example.org")
	for _, e := range inboxOf(t, s, m.Address) {
		if e.List == one.ID && e.UID < next {
			t.Errorf("UID %d is used again", e.UID)
		}
	}
}

// A thread tells nothing of a post that was removed, and goes on with those that follow.
func TestThreadForgetsRemovedPosts(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	accept(t, s, mail(l, "a", "1"))
	accept(t, s, mail(l, "b", "2", "a"))
	accept(t, s, mail(l, "c", "3"))
	look := func(id uint64, subject string, removed int) {
		t.Helper()
		th, err := s.Thread(l.ID, id)
		if err != nil || th.Subject != subject || th.Removed != removed {
			t.Errorf("%+v, %v", th, err)
		}
	}
	for _, n := range []uint64{1, 3} {
		if err := s.RemovePost(l.ID, n); err != nil {
			t.Fatal(err)
		}
	}
	look(1, "about b", 1)
	look(3, "", 1)
	accept(t, s, mail(l, "d", "4", "c"))
	look(3, "about d", 1)
	accept(t, s, mail(l, "e", "5", "x"))
	s.RemovePost(l.ID, 4)
	accept(t, s, mail(l, "x", "6", "c"))
	look(3, "about e", 2)
}

func TestJobClaimsWhoWantsThePost(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	for _, a := range []string{"author@x.org", "cc@x.org", "each@x.org", "late@x.org", "none@x.org", "away@x.org"} {
		join(t, s, l, a)
	}
	set := func(a store.Address, change func(*store.Member)) {
		if _, err := s.UpdateMember(l.ID, a, func(m *store.Member) error { change(m); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set("author@x.org", func(m *store.Member) { m.OwnPosts = false })
	set("late@x.org", func(m *store.Member) { m.Joined = now.Add(time.Minute) })
	set("none@x.org", func(m *store.Member) { m.Delivery = store.DeliverNone })
	set("away@x.org", func(m *store.Member) { m.Until = now.Add(time.Hour) })
	a := mail(l, "a@x", "text")
	a.Deliver, a.Author, a.InHeader = true, "author@x.org", []store.Address{"cc@x.org"}
	accept(t, s, a)
	js, _ := s.Jobs()
	if len(js) != 1 {
		t.Fatalf("%d jobs", len(js))
	}
	rs, last, more, err := s.Claim(js[0], "", 100, now)
	if err != nil || more || len(rs) != 1 || rs[0].Address != "each@x.org" {
		t.Fatalf("claimed %v to %s, more %v, %v", rs, last, more, err)
	}
	ctx := context.Background()
	s.Settle(ctx, []store.Settlement{{Job: js[0].ID, Cursor: last, Exhausted: true,
		Deferred: []store.Deferral{{Recipient: "each@x.org", Member: rs[0].Member, Attempts: 1, Next: now.Add(time.Minute), LastAnswer: "451 later"}}}})
	if ds, next, _ := s.Due(now, 10, none); len(ds) != 0 || !next.Equal(now.Add(time.Minute)) {
		t.Errorf("due now: %v, next %v", ds, next)
	}
	s.RetryNow(0, now)
	ds, _, _ := s.Due(now, 10, none)
	if len(ds) != 1 || ds[0].LastAnswer != "451 later" {
		t.Fatalf("due after retry: %v", ds)
	}
	s.Settle(ctx, []store.Settlement{{Job: js[0].ID, Done: []store.Address{"each@x.org"},
		Failed: []store.FailedCopy{{Member: rs[0].Member, Answer: "550 no such user", At: now}}}})
	if js, _ := s.Jobs(); len(js) != 0 {
		t.Errorf("job is left: %+v", js)
	}
	if m, _ := s.Member(l.ID, "each@x.org"); m.Failure.Count != 1 || m.Failure.Answer != "550 no such user" {
		t.Errorf("failure is %+v", m.Failure)
	}
}

func TestRemoveListLeavesNothing(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	join(t, s, l, "asha@example.org")
	a := mail(l, "a@x", "text")
	a.Deliver = true
	accept(t, s, a)
	s.Hold(context.Background(), store.Held{List: l.ID, MessageID: "h@x"}, []byte("held"))
	if err := s.RemoveList(l.ID); err != nil {
		t.Fatal(err)
	}
	js, _ := s.Jobs()
	hs, _ := s.HeldPosts(0)
	ms, _ := s.MembershipsOf("asha@example.org")
	if _, err := s.List(l.Address()); !errors.Is(err, store.ErrNotFound) || len(js)+len(hs)+len(ms) > 0 {
		t.Errorf("left: %v %v %v %v", err, js, hs, ms)
	}
	newList(t, s, "heplink")
}

func TestApprovedHeldPostGoesInTheSameCommit(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	ctx := context.Background()
	h, err := s.Hold(ctx, store.Held{List: l.ID, MessageID: "a@x", Content: sha256.Sum256([]byte("text")), Reasons: []string{"nonmember"}}, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seen(l.ID, "a@x", h.Content); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("a held post sent again: %v", err)
	}
	a := mail(l, "a@x", "text")
	a.Held = h.ID
	accept(t, s, a)
	if _, err := s.HeldPost(h.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("still held: %v", err)
	}
	if _, err := s.Accept(ctx, a); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("approved twice: %v", err)
	}
}

func none(uint64, store.Address) bool { return false }

func TestPostsOfManyBatches(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	var as []store.Acceptance
	for i := range 600 { // more than one batch by number and, at the end, by size
		a := mail(l, fmt.Sprint("m", i), fmt.Sprint(i))
		if i > 550 {
			a.Build = func(uint64) ([]byte, store.Post, error) {
				return []byte("x"), store.Post{Envelope: bytes.Repeat([]byte("e"), 100<<10)}, nil
			}
		}
		as = append(as, a)
	}
	if _, err := s.AcceptAll(context.Background(), as); err != nil {
		t.Fatal(err)
	}
	next := uint64(2)
	for p, err := range s.Posts(l.ID, 2, 599) {
		if err != nil || p.Number != next {
			t.Fatalf("post %d, want %d (%v)", p.Number, next, err)
		}
		next++
	}
	if next != 600 {
		t.Errorf("%d is not yielded", next)
	}
}
