package digest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// begin is a Tuesday.
var begin = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// bench is a press on a list of its own, with a clock that the test moves and a record of what arrived.
type bench struct {
	rapid.TB
	store *store.Store
	list  store.List
	now   time.Time
	press *Press
	came  map[store.Address]map[uint64]map[uint64]bool // post → jobs that brought it
	mails map[uint64]string                            // of digests
	sent  map[store.Address]map[uint64]bool            // jobs
}

func newBench(t rapid.TB, s *store.Store, name string) *bench {
	b := &bench{TB: t, store: s, now: begin, came: map[store.Address]map[uint64]map[uint64]bool{}, mails: map[uint64]string{},
		sent: map[store.Address]map[uint64]bool{}}
	var err error
	b.list, err = s.CreateList(store.List{Name: name, Domain: "x.org", Settings: store.DefaultSettings(), Created: begin})
	b.must(err)
	b.press = New(Options{Store: s, Site: post.Site{Hostname: "x.org", WebURL: "https://x.org", DefaultDomain: "x.org"},
		Attachment: func(store.List, uint64, archive.Attachment, time.Time) string { return "https://x.org/attachment" }, Now: func() time.Time { return b.now },
		Log: slog.New(slog.DiscardHandler)})
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) set(change func(*store.List)) {
	b.Helper()
	var err error
	b.list, err = b.store.UpdateList(b.list.ID, func(l *store.List) error { change(l); return nil })
	b.must(err)
}

func (b *bench) join(a store.Address, mode store.Delivery) {
	b.Helper()
	m, err := b.store.NewMember(b.list.ID, string(a), b.now)
	b.must(err)
	m.Delivery = mode
	b.must(b.store.AddMember(m))
}

func (b *bench) change(a store.Address, change func(*store.Member)) {
	b.Helper()
	_, err := b.store.UpdateMember(b.list.ID, a, func(m *store.Member) error { change(m); return nil })
	b.must(err)
}

// accept a post of about so many bytes.
func (b *bench) accept(size int) uint64 {
	b.Helper()
	id := fmt.Sprintf("%d-%s", len(b.mails), strconv.FormatInt(time.Now().UnixNano(), 36))
	p, err := b.store.Accept(context.Background(), store.Acceptance{List: b.list.ID, MessageID: id, Content: sha256.Sum256([]byte(id)), Deliver: true, Numbered: true,
		Build: func(n uint64) ([]byte, store.Post, error) {
			subject := fmt.Sprintf("post-%d.", n)
			return []byte("Subject: " + subject + "\r\nMessage-ID: <" + id + ">\r\n\r\n" + strings.Repeat("filling\r\n", size/9)),
				store.Post{Subject: subject, From: "Asha", Date: b.now, Received: b.now}, nil
		}})
	b.must(err)
	return p.Number
}

func (b *bench) send() int {
	b.Helper()
	n, err := b.press.Send(context.Background(), b.list)
	b.must(err)
	return n
}

// due moves the clock to a time of the first days and sends what is due then.
func (b *bench) due(after time.Duration) {
	b.Helper()
	b.now = begin.Add(after)
	b.must(b.press.Due(context.Background()))
}

var subjects = regexp.MustCompile(`post-(\d+)\.`)

// deliver what waits in the outbox, and return how many digests went out.
func (b *bench) deliver() (digests int) {
	b.Helper()
	jobs, err := b.store.Jobs()
	b.must(err)
	for _, j := range jobs {
		if j.List != b.list.ID {
			continue
		}
		raw, err := b.store.JobRaw(j)
		if errors.Is(err, store.ErrNotFound) { // the post was removed
			b.must(b.store.DropJob(j.ID))
			continue
		}
		b.must(err)
		if j.Digest != "" {
			b.mails[j.ID] = string(raw)
		}
		posts := map[uint64]bool{}
		for _, s := range subjects.FindAllStringSubmatch(string(raw), -1) {
			n, _ := strconv.ParseUint(s[1], 10, 64)
			posts[n] = true
		}
		behind := store.Address("")
		for more := true; more; {
			var rs []store.Recipient
			rs, behind, more, err = b.store.Claim(j, behind, 2, b.now)
			b.must(err)
			for _, r := range rs {
				if j.Digest != "" {
					digests++
				}
				b.arrive(j.ID, r.Address, posts)
			}
		}
		b.must(b.store.Settle(context.Background(), []store.Settlement{{Job: j.ID, Cursor: behind, Exhausted: true}}))
	}
	return digests
}

func (b *bench) arrive(job uint64, a store.Address, posts map[uint64]bool) {
	if b.sent[a] == nil {
		b.sent[a], b.came[a] = map[uint64]bool{}, map[uint64]map[uint64]bool{}
	}
	b.sent[a][job] = true
	for n := range posts {
		if b.came[a][n] == nil {
			b.came[a][n] = map[uint64]bool{}
		}
		b.came[a][n][job] = true
	}
}

// got tells how often a post came to an address.
func (b *bench) got(a store.Address, n uint64) int { return len(b.came[a][n]) }

// want checks how often posts came to a member, from the first on.
func (b *bench) want(a store.Address, times ...int) {
	b.Helper()
	for i, want := range times {
		if got := b.got(a, uint64(i+1)); got != want {
			b.Errorf("post %d came to %s %d times, want %d", i+1, a, got, want)
		}
	}
}

const day = 24 * time.Hour

func TestChangesOfMode(t *testing.T) {
	s, number := storetest.NewStore(t), 0
	const asha, ravi = "asha@x.org", "ravi@x.org"
	mode := func(b *bench, d store.Delivery) { b.change(asha, func(m *store.Member) { m.Delivery = d }) }
	for name, run := range map[string]func(b *bench){
		"each to digest": func(b *bench) {
			mode(b, store.DeliverEach)
			b.accept(10)
			mode(b, store.DeliverDigest)
			b.accept(10)
		},
		"digest to each brings one last digest": func(b *bench) {
			b.accept(10)
			mode(b, store.DeliverEach)
			b.due(time.Minute)
			b.deliver()
			b.want(asha, 1)
			b.want(ravi, 0)
			b.accept(10)
		},
		"digest to each, and the digest of the others is due without a new post": func(b *bench) {
			b.accept(10)
			b.accept(10)
			mode(b, store.DeliverEach)
			b.due(time.Minute)
		},
		"there and back": func(b *bench) {
			b.accept(10)
			mode(b, store.DeliverEach)
			mode(b, store.DeliverDigest)
			b.accept(10)
		},
		"from each there and back": func(b *bench) {
			mode(b, store.DeliverEach)
			b.accept(10)
			mode(b, store.DeliverDigest)
			mode(b, store.DeliverEach)
			b.accept(10)
		},
		"another kind of digest": func(b *bench) {
			b.accept(10)
			mode(b, store.DeliverIndex)
			b.accept(10)
			if n := b.send(); n != 2 {
				b.Errorf("%d mails, want one index and one digest", n)
			}
		},
		"after the digest is made and before it is sent": func(b *bench) {
			b.accept(10)
			b.send()
			b.accept(10)
			mode(b, store.DeliverEach)
		},
		"paused before the digest": func(b *bench) {
			b.accept(10)
			b.accept(10)
			b.deliver()
			b.change(asha, func(m *store.Member) { m.Until = b.now.Add(3 * day) })
			b.send()
			b.deliver()
			b.want(asha, 0, 0)
			b.want(ravi, 1, 1)
			b.due(4 * day)
		},
		"suspended before the digest": func(b *bench) {
			b.accept(10)
			b.accept(10)
			b.change(asha, func(m *store.Member) { m.Failure.Suspended = b.now })
			b.send()
			b.deliver()
			b.want(asha, 0, 0)
			b.change(asha, func(m *store.Member) { m.Failure = store.Failure{} })
			b.due(time.Minute)
		},
		"another address": func(b *bench) {
			b.accept(10)
			mode(b, store.DeliverNone)
			b.accept(10)
			_, err := b.store.ChangeAddress(asha, "asha@y.org", "asha@y.org", b.now)
			b.must(err)
			b.send()
			b.deliver()
			b.want("asha@y.org", 1, 0)
			_, err = b.store.ChangeAddress("asha@y.org", asha, asha, b.now)
			b.must(err)
			b.came[asha] = map[uint64]map[uint64]bool{1: {1: true}, 2: {1: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			number++
			b := newBench(t, s, fmt.Sprint("list", number))
			b.join(asha, store.DeliverDigest)
			b.join(ravi, store.DeliverDigest)
			run(b)
			b.deliver()
			b.send()
			b.deliver()
			b.want(asha, 1)
			log, _ := b.store.Log(b.list.ID)
			if log.Last > 1 {
				b.want(asha, 1, 1)
				b.want(ravi, 1, 1)
			}
			if n := b.send(); n > 0 {
				b.Errorf("%d mails of nothing new", n)
			}
		})
	}
}

func TestDueBySizeOrTime(t *testing.T) {
	b := newBench(t, storetest.NewStore(t), "heplink")
	b.set(func(l *store.List) { l.DigestHour, l.Timezone = 6, "Asia/Kolkata" }) // 00:30 UTC
	b.join("asha@x.org", store.DeliverDigestText)
	b.accept(1000)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {15*time.Hour + 29*time.Minute, 0}, {15*time.Hour + 30*time.Minute, 1}, {15*time.Hour + 31*time.Minute, 0}, {5 * day, 0}} {
		b.due(c.after)
		if got := b.deliver(); got != c.want {
			t.Errorf("%d digests after %v, want %d", got, c.after, c.want)
		}
	}
	b.accept(60_000)
	b.due(5*day + time.Minute)
	if n := b.deliver(); n != 0 {
		t.Errorf("%d digests of 60 KB", n)
	}
	b.accept(60_000)
	b.due(5*day + 2*time.Minute)
	if n := b.deliver(); n != 1 {
		t.Errorf("%d digests of 120 KB", n)
	}
	b.want("asha@x.org", 1, 1, 1)
}

// A backlog goes out in several mails, none of them much larger than the largest post or 1 MB.
func TestBacklogIsDivided(t *testing.T) {
	b := newBench(t, storetest.NewStore(t), "heplink")
	for _, m := range []store.Delivery{store.DeliverDigest, store.DeliverDigestText, store.DeliverIndex, store.DeliverEach} {
		b.join(store.Address(m+"@x.org"), m)
	}
	b.set(func(l *store.List) { l.OnHold = true })
	for range 12 {
		b.accept(300_000)
	}
	b.accept(2_000_000)
	b.due(3 * day)
	if _, err := b.press.Send(context.Background(), b.list); err == nil || !strings.Contains(err.Error(), "hold") {
		t.Errorf("sent while on hold: %v", err)
	}
	b.set(func(l *store.List) { l.OnHold = false })
	b.change("digest@x.org", func(m *store.Member) { m.Delivery = store.DeliverNone }) // the last digest is divided too
	if n := b.send(); n != 15 {
		t.Errorf("%d mails, want 3 times 5", n)
	}
	b.deliver()
	for _, a := range []store.Address{"digest@x.org", "digest-text@x.org", "index@x.org", "each@x.org"} {
		b.want(a, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	}
	for id, mail := range b.mails {
		if len(mail) > 1_050_000 && !strings.Contains(mail, "Posts: 1\r\n") {
			t.Errorf("mail %d has %d bytes", id, len(mail))
		}
	}
}

func TestRemovedPostsAreLeftOut(t *testing.T) {
	b := newBench(t, storetest.NewStore(t), "heplink")
	b.join("asha@x.org", store.DeliverDigest)
	b.must(b.store.RemovePost(b.list.ID, b.accept(10)))
	b.accept(10)
	if n := b.send(); n != 1 {
		t.Errorf("%d mails", n)
	}
	b.deliver()
	b.want("asha@x.org", 0, 1)
	b.must(b.store.RemovePost(b.list.ID, b.accept(10)))
	if n := b.send(); n != 0 {
		t.Errorf("%d mails of a removed post", n)
	}
}

// Without an archive there is nothing to get, so the index is a text; and posts are kept until they were in a digest, no longer.
func TestListWithoutArchive(t *testing.T) {
	b := newBench(t, storetest.NewStore(t), "heplink")
	b.set(func(l *store.List) { l.Archive = "off" })
	b.join("asha@x.org", store.DeliverIndex)
	b.join("ravi@x.org", store.DeliverDigest)
	b.accept(10)
	b.deliver()
	b.change("ravi@x.org", func(m *store.Member) { m.Until = b.now.Add(day) })
	b.send()
	b.deliver()
	for _, mail := range b.mails {
		if strings.Contains(mail, "GET ") || !strings.Contains(mail, "filling") {
			t.Errorf("an index of what cannot be got:\n%s", mail)
		}
	}
	if p, err := b.store.Post(b.list.ID, 1); err != nil || p.Removed {
		t.Errorf("post that is still owed: removed %v, %v", p.Removed, err)
	}
	b.due(2 * day)
	b.deliver()
	b.want("asha@x.org", 1)
	b.want("ravi@x.org", 1)
	if p, err := b.store.Post(b.list.ID, 1); err != nil || !p.Removed {
		t.Errorf("post that nobody waits for: removed %v, %v", p.Removed, err)
	}
}

// model is what should have come.
type model struct {
	*bench
	wanted map[store.Address]map[uint64]int // 0 or 1, or either
	on     map[store.Address]bool
}

const either = 2

var people = []store.Address{"asha@x.org", "ben@x.org", "claire@x.org"}

var modes = []store.Delivery{store.DeliverEach, store.DeliverDigest, store.DeliverDigestText, store.DeliverIndex, store.DeliverNone}

// TestEachPostOnce does what members and owners do, in any order.
func TestEachPostOnce(t *testing.T) {
	s, run := storetest.NewStore(t), 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		m := &model{bench: newBench(r, s, fmt.Sprint("list", run)), wanted: map[store.Address]map[uint64]int{}, on: map[store.Address]bool{}}
		m.set(func(l *store.List) { l.Archive = rapid.SampledFrom([]string{"members", "off"}).Draw(r, "archive") })
		for _, a := range people {
			m.wanted[a] = map[uint64]int{}
		}
		r.Repeat(map[string]func(*rapid.T){"post": m.post, "mode": m.mode, "pause": m.pause, "suspend": m.suspend, "come or go": m.comeOrGo, "remove": m.removePost,
			"time": m.time, "now": m.sendNow, "deliver": func(*rapid.T) { m.deliverUnlessHeld() }, "hold": m.hold,
			"attachments": m.attachments, "": m.check})
		m.end()
		m.must(s.RemoveList(m.list.ID))
	})
}

func (m *model) who(r *rapid.T) store.Address { return rapid.SampledFrom(people).Draw(r, "who") }

func (m *model) post(r *rapid.T) {
	n := m.accept(rapid.SampledFrom([]int{10, 10, 40_000, 400_000}).Draw(r, "size"))
	for _, a := range people {
		x, err := m.store.Member(m.list.ID, a)
		switch {
		case err != nil || x.Delivery == store.DeliverNone:
			m.wanted[a][n] = 0
		case x.Until.After(m.now) || !x.Failure.Suspended.IsZero():
			m.wanted[a][n] = either
		default:
			m.wanted[a][n] = 1
		}
	}
}

func (m *model) mode(r *rapid.T) {
	if a := m.who(r); m.on[a] {
		m.change(a, func(x *store.Member) { x.Delivery = rapid.SampledFrom(modes).Draw(r, "mode") })
	}
}

// stops: what was on its way may not arrive.
func (m *model) stops(a store.Address) {
	jobs, err := m.store.Jobs()
	m.must(err)
	for n := range m.wanted[a] {
		if m.wanted[a][n] == 1 && m.got(a, n) == 0 && (len(jobs) > 0 || !m.on[a]) {
			m.wanted[a][n] = either
		}
	}
}

// attachments: a change while digests are sent may come too late for one of them.
func (m *model) attachments(r *rapid.T) {
	a := m.who(r)
	if m.deliverUnlessHeld(); m.on[a] && !m.list.OnHold {
		m.change(a, func(x *store.Member) {
			x.Attachments = rapid.SampledFrom([]string{"keep", "link"}).Draw(r, "attachments")
		})
	}
}

func (m *model) pause(r *rapid.T) {
	if a := m.who(r); m.on[a] {
		d := time.Duration(rapid.IntRange(0, 3).Draw(r, "days")) * day
		m.stops(a)
		m.change(a, func(x *store.Member) {
			if x.Until = m.now.Add(d); d == 0 {
				x.Until = time.Time{}
			}
		})
	}
}

func (m *model) suspend(r *rapid.T) {
	if a := m.who(r); m.on[a] {
		m.stops(a)
		m.change(a, func(x *store.Member) {
			if x.Failure.Suspended.IsZero() {
				x.Failure.Suspended = m.now
			} else {
				x.Failure = store.Failure{}
			}
		})
	}
}

func (m *model) comeOrGo(r *rapid.T) {
	a := m.who(r)
	if m.on[a] {
		m.must(m.store.RemoveMember(m.list.ID, a))
		m.on[a] = false
		m.stops(a)
		return
	}
	m.join(a, rapid.SampledFrom(modes).Draw(r, "mode"))
	m.on[a] = true
}

func (m *model) removePost(r *rapid.T) {
	log, err := m.store.Log(m.list.ID)
	m.must(err)
	if log.Last == 0 {
		return
	}
	n := uint64(rapid.IntRange(1, int(log.Last)).Draw(r, "number"))
	m.must(m.store.RemovePost(m.list.ID, n))
	for _, a := range people {
		if m.wanted[a][n] == 1 && m.got(a, n) == 0 {
			m.wanted[a][n] = either
		}
	}
}

func (m *model) time(r *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(r, "hours")) * time.Hour)
	m.must(m.press.Due(context.Background()))
}

func (m *model) sendNow(r *rapid.T) {
	if m.list.OnHold {
		return
	}
	m.deliver()
	if said, came := m.send(), m.deliver(); said != came {
		r.Fatalf("%d mails said, %d came", said, came)
	}
}

func (m *model) deliverUnlessHeld() {
	if !m.list.OnHold {
		m.deliver()
	}
}

func (m *model) hold(*rapid.T) { m.set(func(l *store.List) { l.OnHold = !l.OnHold }) }

func (m *model) check(r *rapid.T) {
	for _, a := range people {
		for n, want := range m.wanted[a] {
			if got := m.got(a, n); got > min(want, 1) {
				r.Fatalf("post %d came to %s %d times, want %d", n, a, got, want)
			}
		}
	}
}

// end: all hindrances go, and what was wanted has come.
func (m *model) end() {
	m.set(func(l *store.List) { l.OnHold = false })
	m.deliver()
	for _, a := range people {
		if m.on[a] {
			m.change(a, func(x *store.Member) { x.Until, x.Failure = time.Time{}, store.Failure{} })
		}
	}
	m.now = m.now.Add(365 * day)
	m.must(m.press.Due(context.Background()))
	m.deliver()
	for _, a := range people {
		for n, want := range m.wanted[a] {
			if got := m.got(a, n); want != either && got != want {
				m.Fatalf("post %d came to %s %d times in the end, want %d", n, a, got, want)
			}
		}
	}
	if log, err := m.store.Log(m.list.ID); err != nil || m.list.Archive == "off" && log.Count > 0 {
		m.Fatalf("%d posts are kept without an archive: %v", log.Count, err)
	}
}
