package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

// script is a transport that answers as the test says, and remembers in which order it was asked.
type script struct {
	answer func(to string) deliver.Result

	mu sync.Mutex
	to []string
}

func (s *script) Deliver(_ context.Context, copies []deliver.Copy, report func(int, deliver.Result)) {
	for i, c := range copies {
		res := deliver.Result{Kind: deliver.Delivered, Answer: "250 ok"}
		if s.answer != nil {
			res = s.answer(c.To)
		}
		s.mu.Lock()
		s.to = append(s.to, c.To)
		s.mu.Unlock()
		report(i, res)
	}
}

func (s *script) Close() error { return nil }

func (s *script) Destination(string) string { return "" }

func (s *script) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.to)
}

func (s *script) counts() map[string]int {
	n := map[string]int{}
	for _, a := range s.asked() {
		n[a]++
	}
	return n
}

func TestALongRosterDoesNotHoldUpOthers(t *testing.T) {
	w := newWorld(t, 2000, sink.Options{})
	w.workers = 1 // so that the order is that of the turns
	both := make(chan struct{})
	s := &script{answer: func(string) deliver.Result { <-both; return deliver.Result{Kind: deliver.Delivered} }}
	w.runOver(s)
	w.post("hello")
	for i := range 30 { // more than are worked on at the same time
		_, err := w.store.Enqueue(t.Context(), store.Job{To: []store.Address{store.Address(fmt.Sprintf("one%d@example.net", i))}}, []byte("Subject: x\r\n\r\n"))
		w.must(err)
	}
	close(both)
	w.eventually("the jobs are done", w.idle)
	asked := s.asked()
	last := 0
	for i, a := range asked {
		if strings.HasPrefix(a, "one") {
			last = i
		}
	}
	if len(asked) != 2030 || last > 800 {
		t.Errorf("%d copies, the last mail of its own in place %d", len(asked), last)
	}
}

func TestManyDeferralsAreTriedOnceEach(t *testing.T) {
	const members = 1200
	w := newWorld(t, members, sink.Options{})
	var again sync.Map
	s := &script{answer: func(to string) deliver.Result {
		if _, ok := again.LoadOrStore(to, true); ok || to == "one@example.net" {
			return deliver.Result{Kind: deliver.Delivered}
		}
		return deliver.Result{Kind: deliver.Deferred, Answer: "451 later"}
	}}
	w.runOver(s)
	w.post("hello")
	w.eventually("all wait", func() bool { ds, _ := w.store.Deferrals(0); return len(ds) == members })
	w.must(w.store.RemoveMember(w.list.ID, "member00003@example.org"))
	w.shift.Store(int64(10 * time.Minute))
	w.must(w.store.RetryNow(0, w.now().Truncate(time.Second)))
	for !w.idle() { // every change of the outbox looks for deferrals again
		_, err := w.store.Enqueue(t.Context(), store.Job{To: []store.Address{"one@example.net"}}, []byte("Subject: x\r\n\r\n"))
		w.must(err)
		w.eventually("a mail of its own is sent", func() bool {
			js, err := w.store.Jobs()
			w.must(err)
			return !slices.ContainsFunc(js, func(j store.Job) bool { return j.Number == 0 })
		})
	}
	counts := s.counts()
	delete(counts, "one@example.net")
	for a, n := range counts {
		if want := map[bool]int{false: 2, true: 1}[a == "member00003@example.org"]; n != want {
			t.Fatalf("%s was tried %d times", a, n)
		}
	}
}

func TestTriedForTooLong(t *testing.T) {
	w := newWorld(t, 1, sink.Options{})
	w.runOver(&script{answer: func(string) deliver.Result { return deliver.Result{Kind: deliver.Deferred, Answer: "451 later"} }})
	w.post("hello")
	w.eventually("it waits", func() bool { ds, _ := w.store.Deferrals(0); return len(ds) == 1 })
	w.shift.Store(int64(6 * 24 * time.Hour))
	w.must(w.store.RetryNow(0, w.now().Truncate(time.Second)))
	w.eventually("the job is done", w.idle)
	m, err := w.store.Member(w.list.ID, "member00000@example.org")
	w.must(err)
	if m.Failure.Count != 1 || !strings.Contains(m.Failure.Answer, "451 later") {
		t.Errorf("failure is %+v", m.Failure)
	}
}

func TestOutageForTooLongIsNoFailureOfMembers(t *testing.T) {
	w := newWorld(t, 500, sink.Options{})
	w.runOver(&script{answer: func(string) deliver.Result { return deliver.Result{Kind: deliver.Down, Answer: "no route"} }})
	w.post("hello")
	w.eventually("it waits", func() bool { js, _ := w.store.Jobs(); return len(js) == 1 && js[0].LastAnswer == "no route" })
	w.shift.Store(int64(6 * 24 * time.Hour))
	w.must(w.store.RetryNow(0, w.now()))
	w.eventually("the job is given up", w.idle)
	m, err := w.store.Member(w.list.ID, "member00000@example.org")
	w.must(err)
	if m.Failure.Count != 0 {
		t.Errorf("failure is %+v", m.Failure)
	}
}

// A runner that is stuck for ever is as one that crashed: it settles nothing any more.
func TestAfterACrash(t *testing.T) {
	const members = 2000
	w := newWorld(t, members, sink.Options{})
	stuck := make(chan struct{})
	first := &script{answer: func(to string) deliver.Result {
		if to > "member01000" {
			<-stuck
		}
		return deliver.Result{Kind: deliver.Delivered}
	}}
	w.runOver(first)
	crashed := w.stop
	w.post("hello")
	var settled store.Address
	w.eventually("some are settled", func() bool {
		js, _ := w.store.Jobs()
		if len(js) == 1 {
			settled = js[0].Cursor
		}
		return settled > "member00900"
	})
	second := &script{}
	w.runOver(second)
	w.eventually("the job is done", w.idle)
	close(stuck)
	crashed()
	got := first.counts()
	for a, n := range second.counts() {
		if a <= string(settled) {
			t.Fatalf("%s was settled and sent again", a)
		}
		got[a] += n
	}
	if len(got) != members {
		t.Errorf("%d of %d members", len(got), members)
	}
}

func TestWhoWantsACopy(t *testing.T) {
	w := newWorld(t, 8, sink.Options{})
	change := func(i int, f func(m *store.Member)) {
		_, err := w.store.UpdateMember(w.list.ID, store.Address(fmt.Sprintf("member%05d@example.org", i)), func(m *store.Member) error {
			f(m)
			return nil
		})
		w.must(err)
	}
	change(0, func(m *store.Member) { m.Delivery = store.DeliverNone })
	change(1, func(m *store.Member) { m.Delivery = store.DeliverDigest })
	change(2, func(m *store.Member) { m.Until = time.Now().Add(time.Hour) })
	change(3, func(m *store.Member) { m.Until = time.Now().Add(-time.Hour) })
	change(4, func(m *store.Member) { m.OwnPosts = false })
	change(5, func(m *store.Member) { m.NoDuplicates = false })
	s := &script{}
	w.runOver(s)
	w.postFrom("member00004@example.org", []store.Address{"member00005@example.org", "member00006@example.org"}, "hello")
	w.eventually("the job is done", w.idle)
	asked := s.asked()
	slices.Sort(asked)
	if got := strings.Join(asked, " "); got != "member00003@example.org member00005@example.org member00007@example.org" {
		t.Errorf("copies went to %s", got)
	}
}

// roads is a script with a destination for each domain.
type roads struct{ script }

func (r *roads) Destination(to string) string { return to[strings.IndexByte(to, '@')+1:] }

// However much deferred mail is due for a destination that does not answer, that for others is tried.
func TestDueMailOfASlowDestinationHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, 0, sink.Options{})
	hang, again := make(chan struct{}), make(chan struct{})
	s := &roads{}
	s.answer = func(to string) deliver.Result {
		select {
		case <-again:
		default:
			return deliver.Result{Kind: deliver.Deferred, Answer: "451 later"}
		}
		if strings.HasSuffix(to, "@stuck.example") {
			<-hang
		}
		return deliver.Result{Kind: deliver.Delivered}
	}
	var to []store.Address
	for i := range 1200 {
		to = append(to, store.Address(fmt.Sprintf("m%04d@stuck.example", i)))
	}
	_, err := w.store.Enqueue(t.Context(), store.Job{Created: time.Now(), To: append(to, "z@well.example")}, []byte("Subject: x\r\n\r\n"))
	w.must(err)
	w.perDestination = 2
	w.runOver(s)
	defer w.stop()
	defer close(hang)
	w.eventually("all are deferred", func() bool { ds, _ := w.store.Deferrals(0); return len(ds) == 1201 })
	before := s.counts()["z@well.example"]
	close(again)
	w.must(w.store.RetryNow(0, time.Now().Truncate(time.Second)))
	w.eventually("the other one is tried", func() bool { return s.counts()["z@well.example"] > before })
}

// What the others answered is known while one destination still hangs, though nothing waits for a turn.
func TestASlowDestinationDoesNotHideTheAnswersOfOthers(t *testing.T) {
	w := newWorld(t, 0, sink.Options{})
	hang := make(chan struct{})
	s := &roads{}
	s.answer = func(to string) deliver.Result {
		if strings.HasSuffix(to, "@stuck.example") {
			<-hang
			return deliver.Result{Kind: deliver.Delivered}
		}
		return deliver.Result{Kind: deliver.Deferred, Answer: "451 later"}
	}
	_, err := w.store.Enqueue(t.Context(), store.Job{Created: time.Now(), To: []store.Address{"a@stuck.example", "z@well.example"}}, []byte("Subject: x\r\n\r\n"))
	w.must(err)
	w.perDestination = 2
	w.runOver(s)
	defer w.stop()
	defer close(hang)
	w.eventually("the answer is written", func() bool {
		ds, err := w.store.Deferrals(0)
		w.must(err)
		return slices.ContainsFunc(ds, func(d store.Deferral) bool { return d.LastAnswer == "451 later" })
	})
}

func TestPanicIsOneOfThatTaskOnly(t *testing.T) {
	w := newWorld(t, 200, sink.Options{})
	w.runOver(&script{answer: func(to string) deliver.Result {
		if to == "member00007@example.org" {
			panic("of a copy")
		}
		return deliver.Result{Kind: deliver.Delivered}
	}})
	w.post("hello")
	w.eventually("the others are through", func() bool {
		ds, err := w.store.Deferrals(0)
		w.must(err)
		js, err := w.store.Jobs()
		w.must(err)
		return len(js) == 1 && js[0].Exhausted && len(ds) > 0 && len(ds) < 60 && strings.Contains(ds[0].LastAnswer, "see the log")
	})
}
