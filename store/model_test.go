package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// model is what the store should hold of two lists, in plain maps.
type model struct {
	*rapid.T
	store   *store.Store
	lists   []store.List
	posts   []map[uint64]string // by list: number → Message-ID; "" when removed
	ids     []map[string]uint64
	members []map[store.Address]bool
	seen    map[store.Address][]map[uint64]bool // by list
	inbox   map[store.Address]map[uint32]store.InboxEntry
}

// TestRandomUse does what users do, in any order, and compares with the model after each step.
func TestRandomUse(t *testing.T) {
	s := storetest.NewStore(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		m := &model{T: r, store: s, seen: map[store.Address][]map[uint64]bool{}, inbox: map[store.Address]map[uint32]store.InboxEntry{}}
		for i := range 2 {
			l, err := s.CreateList(store.List{Name: fmt.Sprintf("list%d.%d", run, i), Domain: "x.org", Settings: store.DefaultSettings(), Created: now})
			if err != nil {
				r.Fatal(err)
			}
			m.lists = append(m.lists, l)
			m.posts, m.ids = append(m.posts, map[uint64]string{}), append(m.ids, map[string]uint64{})
			m.members = append(m.members, map[store.Address]bool{})
		}
		r.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "remove post": m.removePost, "join": m.join, "leave": m.leave, "flag": m.flag, "read inbox": m.readInbox,
			"redact": m.redact, "hold": m.hold, "deliver": m.deliver, "": m.check,
		})
		if _, err := s.Check(context.Background(), nil, func(p store.Problem) { r.Errorf("%s: %s", p.What, p.Is) }); err != nil {
			r.Fatal(err)
		}
		for _, l := range m.lists {
			if err := s.RemoveList(l.ID); err != nil {
				r.Fatal(err)
			}
		}
		if js, _ := s.Jobs(); len(js) > 0 {
			r.Fatalf("jobs of removed lists: %v", js)
		}
		if ds, next, _ := s.Due(now.AddDate(10, 0, 0), 10, none); len(ds) > 0 || !next.IsZero() {
			r.Fatalf("deferrals of removed lists: %v", ds)
		}
	})
}

func (m *model) pick(r *rapid.T) (int, store.List) {
	i := rapid.IntRange(0, 1).Draw(r, "list")
	return i, m.lists[i]
}

func (m *model) who(r *rapid.T) store.Address {
	return store.Address(fmt.Sprintf("%s%s@x.org", rapid.SampledFrom([]string{"asha", "ben", "claire"}).Draw(r, "who"), m.lists[0].Name))
}

func (m *model) accept(r *rapid.T) {
	i, l := m.pick(r)
	id := rapid.StringMatching(`m[0-9]`).Draw(r, "id")
	refs := rapid.SliceOfN(rapid.StringMatching(`m[0-9]`), 0, 3).Draw(r, "refs")
	body := l.Name + id + rapid.SampledFrom([]string{"", "!"}).Draw(r, "body")
	unarchived := rapid.IntRange(0, 4).Draw(r, "unarchived") == 0
	p, err := m.store.Accept(context.Background(), store.Acceptance{List: l.ID, MessageID: id, Unarchived: unarchived, Content: sha256.Sum256([]byte(body)), References: refs,
		Deliver: true, Build: func(uint64) ([]byte, store.Post, error) {
			return []byte(body), store.Post{Date: now.AddDate(0, int(body[len(body)-1])%3, 0), Received: now}, nil
		}})
	if _, taken := m.ids[i][id]; taken {
		if !errors.Is(err, store.ErrDuplicate) && !errors.Is(err, store.ErrConflict) {
			r.Fatalf("id %s again: %v", id, err)
		}
		return
	}
	if err != nil || p.Number != uint64(len(m.posts[i])+1) {
		r.Fatalf("accepted as %d: %v", p.Number, err)
	}
	m.posts[i][p.Number], m.ids[i][id] = id, p.Number
	if unarchived {
		m.posts[i][p.Number] = ""
	}
}

func (m *model) removePost(r *rapid.T) {
	i, l := m.pick(r)
	if len(m.posts[i]) == 0 {
		return
	}
	n := uint64(rapid.IntRange(1, len(m.posts[i])).Draw(r, "number"))
	if err := m.store.RemovePost(l.ID, n); err != nil {
		r.Fatal(err)
	}
	m.posts[i][n] = ""
}

func (m *model) redact(r *rapid.T) {
	i, l := m.pick(r)
	if len(m.posts[i]) == 0 {
		return
	}
	n := uint64(rapid.IntRange(1, len(m.posts[i])).Draw(r, "number"))
	_, err := m.store.Redact(store.Redaction{List: l.ID, Number: n, Gone: func(store.File) bool { return true },
		Make: func(_ store.Post, raw []byte) ([]byte, store.Post, error) {
			return append(raw, '-'), store.Post{Content: sha256.Sum256(raw)}, nil
		}})
	if (m.posts[i][n] == "") != errors.Is(err, store.ErrNotFound) || err != nil && !errors.Is(err, store.ErrNotFound) {
		r.Fatalf("redact post %d: %v", n, err)
	}
}

func (m *model) join(r *rapid.T) {
	i, l := m.pick(r)
	a := m.who(r)
	member, err := m.store.NewMember(l.ID, string(a), now.Add(-time.Hour))
	if err == nil {
		err = m.store.AddMember(member)
	}
	if m.members[i][a] != errors.Is(err, store.ErrExists) {
		r.Fatalf("%s joins %s: %v", a, l.Name, err)
	}
	m.members[i][a] = true
}

func (m *model) leave(r *rapid.T) {
	i, l := m.pick(r)
	a := m.who(r)
	err := m.store.RemoveMember(l.ID, a)
	if m.members[i][a] == errors.Is(err, store.ErrNotFound) {
		r.Fatalf("%s leaves %s: %v", a, l.Name, err)
	}
	delete(m.members[i], a)
	for uid, e := range m.inbox[a] {
		if e.List == l.ID {
			delete(m.inbox[a], uid)
		}
	}
}

func (m *model) flag(r *rapid.T) {
	i, l := m.pick(r)
	a := m.who(r)
	n := uint64(rapid.IntRange(1, 20000).Draw(r, "number"))
	on := rapid.Bool().Draw(r, "on")
	c := store.FlagChange{List: l.ID, Numbers: []uint64{n}, Remove: []string{`\Seen`}}
	if on {
		c = store.FlagChange{List: l.ID, Numbers: []uint64{n}, Add: []string{`\seen`}}
	}
	if err := m.store.ChangeFlags(a, []store.FlagChange{c}); err != nil {
		r.Fatal(err)
	}
	if m.seen[a] == nil {
		m.seen[a] = []map[uint64]bool{{}, {}}
	}
	if on {
		m.seen[a][i][n] = true
	} else {
		delete(m.seen[a][i], n)
	}
	f, err := m.store.Flags(a, l.ID)
	if err != nil {
		r.Fatal(err)
	}
	count := 0
	for _, set := range f {
		for got := range set.All() {
			count++
			if !m.seen[a][i][got] {
				r.Fatalf("%d is flagged", got)
			}
		}
	}
	if count != len(m.seen[a][i]) {
		r.Fatalf("%d flags, want %d", count, len(m.seen[a][i]))
	}
}

// readInbox: an entry once seen is the same for ever, and all posts of the account's lists are there.
func (m *model) readInbox(r *rapid.T) {
	a := m.who(r)
	if m.inbox[a] == nil {
		m.inbox[a] = map[uint32]store.InboxEntry{}
	}
	last, there := uint32(0), map[[2]uint64]bool{}
	for e, err := range m.store.Inbox(a, 1) {
		if err != nil {
			r.Fatal(err)
		}
		if before, known := m.inbox[a][e.UID]; e.UID <= last || known && before != e {
			r.Fatalf("UID %d is %v, was %v", e.UID, e, before)
		}
		last = e.UID
		m.inbox[a][e.UID] = e
		there[[2]uint64{e.List, e.Number}] = true
	}
	want := 0
	for i, l := range m.lists {
		for n, id := range m.posts[i] {
			if m.members[i][a] && id != "" {
				want++
				if !there[[2]uint64{l.ID, n}] {
					r.Fatalf("post %d of %s is not in the inbox", n, l.Name)
				}
			}
		}
	}
	if want != len(there) {
		r.Fatalf("%d posts in the inbox, want %d", len(there), want)
	}
	if next, err := m.store.InboxNext(a); err != nil || next <= last {
		r.Fatalf("UIDNEXT %d behind %d: %v", next, last, err)
	}
}

func (m *model) hold(r *rapid.T) {
	_, l := m.pick(r)
	h, err := m.store.Hold(context.Background(), store.Held{List: l.ID, MessageID: "held" + fmt.Sprint(time.Now().UnixNano())}, []byte("held"))
	if err != nil {
		r.Fatal(err)
	}
	if rapid.Bool().Draw(r, "drop") {
		if err := m.store.DropHeld(h.ID); err != nil {
			r.Fatal(err)
		}
		if _, err := m.store.HeldRaw(h.ID); !errors.Is(err, store.ErrNotFound) {
			r.Fatalf("bytes of a dropped post: %v", err)
		}
	}
}

// deliver settles some recipients of a job, in one of the ways they may end.
func (m *model) deliver(r *rapid.T) {
	js, err := m.store.Jobs()
	if err != nil || len(js) == 0 {
		return
	}
	j := rapid.SampledFrom(js).Draw(r, "job")
	st := store.Settlement{Job: j.ID}
	if j.Exhausted {
		ds, err := m.store.Deferrals(j.ID)
		if err != nil || len(ds) != j.Waiting || len(ds) == 0 {
			r.Fatalf("%d deferrals of a job that waits for %d: %v", len(ds), j.Waiting, err)
		}
		st.Done = []store.Address{ds[0].Recipient}
	} else {
		rs, last, more, err := m.store.Claim(j, "", 2, now)
		if err != nil {
			r.Fatal(err)
		}
		st.Cursor, st.Exhausted = last, !more
		for _, rc := range rs {
			if rapid.Bool().Draw(r, "deferred") {
				next := now.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(r, "next")))
				st.Deferred = append(st.Deferred, store.Deferral{Recipient: rc.Address, Member: rc.Member, Next: next})
			}
		}
	}
	if err := m.store.Settle(context.Background(), []store.Settlement{st}); err != nil {
		r.Fatal(err)
	}
	if rapid.Bool().Draw(r, "retry") {
		if err := m.store.RetryNow(0, now); err != nil {
			r.Fatal(err)
		}
	}
}

func (m *model) check(r *rapid.T) {
	for i, l := range m.lists {
		log, err := m.store.Log(l.ID)
		if err != nil {
			r.Fatal(err)
		}
		if n, _ := m.store.CountMembers(l.ID); n != len(m.members[i]) {
			r.Fatalf("%d members counted, want %d", n, len(m.members[i]))
		}
		threads, byThread, alive := map[uint64]bool{}, 0, uint64(0)
		parents := map[uint64]uint64{}
		for p, err := range m.store.Posts(l.ID, 1, log.Last) {
			if err != nil {
				r.Fatal(err)
			}
			threads[p.Thread] = true
			parents[p.Number] = p.Parent
			if p.Removed != (m.posts[i][p.Number] == "") {
				r.Fatalf("post %d removed: %v", p.Number, p.Removed)
			}
			if !p.Removed {
				alive++
			}
			if p.Parent != 0 {
				if up, err := m.store.Post(l.ID, p.Parent); err != nil || up.Thread != p.Thread {
					r.Fatalf("post %d of thread %d is below %d of thread %d", p.Number, p.Thread, up.Number, up.Thread)
				}
			}
		}
		for n := range parents {
			steps := 0
			for at := n; at != 0; at = parents[at] {
				if steps++; steps > len(parents) {
					r.Fatalf("post %d is its own ancestor", n)
				}
			}
		}
		for id := range threads {
			th, err := m.store.Thread(l.ID, id)
			ps, perr := m.store.ThreadPosts(l.ID, id, 0, 1000)
			if err != nil || perr != nil || th.Posts != len(ps) || th.ID != ps[0].Number {
				r.Fatalf("thread %+v has %d posts: %v %v", th, len(ps), err, perr)
			}
			byThread += len(ps)
		}
		ts, _ := m.store.Threads(l.ID, 0, 1000)
		if byThread != len(m.posts[i]) || len(ts) != len(threads) || log.Threads != uint64(len(threads)) || log.Count != alive || log.Last != uint64(len(m.posts[i])) {
			r.Fatalf("log %+v; %d posts in %d threads, %d listed", log, byThread, len(threads), len(ts))
		}
		inMonths := 0
		months, _ := m.store.Months(l.ID)
		for _, month := range months {
			n := 0
			for range m.store.MonthPosts(l.ID, month.Month) {
				n++
			}
			if n != month.Posts {
				r.Fatalf("%s has %d posts, counted %d", month.Month, n, month.Posts)
			}
			inMonths += n
		}
		if uint64(inMonths) != alive || !slices.IsSortedFunc(months, func(a, b store.Month) int { return strings.Compare(b.Month, a.Month) }) {
			r.Fatalf("months %v", months)
		}
	}
	ds, err := m.store.Deferrals(0)
	due, _, derr := m.store.Due(now.AddDate(10, 0, 0), 10000, none)
	if err != nil || derr != nil || len(ds) != len(due) {
		r.Fatalf("%d deferrals, %d due: %v %v", len(ds), len(due), err, derr)
	}
}
