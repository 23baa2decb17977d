package deliver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

// simulation is some days of a site whose remotes answer at random, and whose server is stopped, or dies.
type simulation struct {
	*testing.T
	direct  bool
	crashes bool
	engine  *memory
	list    store.List
	members int

	store *store.Store
	life  *mortal
	stop  func()

	mu      sync.Mutex
	random  *rand.Rand
	fates   map[copyKey]*copyFate
	dropped map[string]bool // subjects of jobs that were dropped
	gone    map[string]bool // members who left
	jobs    map[uint64]string
	deaths  int
}

type copyKey struct{ subject, to string }

// copyFate is what the remote will say about a copy, and how often it has said the last word.
type copyFate struct {
	deferrals int
	final     deliver.Kind
	told      int
}

const (
	simulatedSeeds   = 2 // raise it after a change of the queue
	simulatedDomains = 12
)

func TestSimulatedDays(t *testing.T) {
	w := newWorld(t, 1, sink.Options{}) // compression makes its channels at first use, which must be outside of the simulation
	w.runOver(&script{})
	w.post("hello")
	w.eventually("the job is done", w.idle)
	w.stop()
	for seed := range simulatedSeeds {
		for _, direct := range []bool{false, true} {
			for _, crashes := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d/direct=%v/crashes=%v", seed, direct, crashes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := &simulation{T: t, direct: direct, crashes: crashes, engine: newMemory(), fates: map[copyKey]*copyFate{},
							random: rand.New(rand.NewPCG(uint64(seed), 7)), dropped: map[string]bool{}, gone: map[string]bool{}, jobs: map[uint64]string{}}
						s.run()
					})
				})
			}
		}
	}
}

func (s *simulation) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// chance is true once in n times.
func (s *simulation) chance(n int) bool { return s.roll(n) == 0 }

func (s *simulation) roll(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *simulation) run() {
	s.begin()
	var err error
	s.list, err = s.store.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	s.must(err)
	s.members = 1 + s.roll(250)
	var ms []store.Member
	for i := range s.members {
		m, err := s.store.NewMember(s.list.ID, fmt.Sprintf("m%04d@d%02d.example.org", i, s.roll(simulatedDomains)), time.Now().Add(-time.Hour))
		s.must(err)
		ms = append(ms, m)
	}
	_, err = s.store.AddMembers(ms)
	s.must(err)
	for step := range 40 {
		s.step(step, ms)
		time.Sleep(time.Duration(s.roll(1<<s.roll(20))) * time.Millisecond)
	}
	for range 24 * 60 {
		time.Sleep(time.Hour)
		js, err := s.store.Jobs()
		s.must(err)
		if len(js) == 0 {
			break
		}
	}
	s.stop()
	s.check()
}

// begin starts a server on what the last one left.
func (s *simulation) begin() {
	s.life = &mortal{Engine: s.engine}
	var err error
	s.store, err = store.Open(s.life)
	s.must(err)
	o := deliver.Options{Store: s.store, Addresses: lists.NewAddresses(s.store, nil), Transport: s, WebURL: "https://lists.example.org",
		Connections: 1 + s.roll(20), RetryFor: 365 * 24 * time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if s.direct {
		o.PerDestination = 1 + s.roll(5)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- deliver.New(o).Run(ctx) }()
	life := s.life
	s.stop = func() {
		cancel()
		if err := <-done; err != nil && life.alive() == nil {
			s.Error(err)
		}
	}
}

func (s *simulation) step(step int, ms []store.Member) {
	switch n := s.roll(12); {
	case n < 4:
		subject := fmt.Sprintf("post %d", step)
		s.expect(subject, ms) // before it is there to be sent
		raw := []byte("From: asha@example.net\r\nSubject: " + subject + "\r\n\r\nhello\r\n")
		p, err := s.store.Accept(context.Background(), store.Acceptance{List: s.list.ID, Content: sha256.Sum256(raw), Deliver: true,
			Build: func(uint64) ([]byte, store.Post, error) {
				return raw, store.Post{Received: time.Now(), Date: time.Now()}, nil
			}})
		s.must(err)
		js, err := s.store.Jobs()
		s.must(err)
		for _, j := range js {
			if j.Number == p.Number {
				s.jobs[j.ID] = subject
			}
		}
	case n < 7:
		subject := fmt.Sprintf("mail %d", step)
		to := ms[s.roll(len(ms))]
		s.expect(subject, []store.Member{to})
		j, err := s.store.Enqueue(context.Background(), store.Job{To: []store.Address{to.Address}, Created: time.Now()}, []byte("Subject: "+subject+"\r\n\r\n"))
		s.must(err)
		s.jobs[j.ID] = subject
	case n == 7:
		s.must(s.store.RetryNow(0, time.Now()))
	case n == 8:
		js, err := s.store.Jobs()
		s.must(err)
		if len(js) > 0 && s.chance(3) {
			j := js[s.roll(len(js))]
			if s.store.DropJob(j.ID) == nil {
				s.mu.Lock()
				s.dropped[s.jobs[j.ID]] = true
				s.mu.Unlock()
			}
		}
	case n == 9:
		m := ms[s.roll(len(ms))]
		if s.store.RemoveMember(s.list.ID, m.Address) == nil {
			s.mu.Lock()
			s.gone[string(m.Address)] = true
			s.mu.Unlock()
		}
	case n == 10:
		s.stop()
		s.begin()
	case n == 11 && s.crashes:
		s.life.die()
		s.deaths++
		s.stop()
		s.begin()
	}
}

// expect decides what becomes of the copies of a job.
func (s *simulation) expect(subject string, ms []store.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range ms {
		if s.gone[string(m.Address)] && strings.HasPrefix(subject, "post") {
			continue
		}
		f := &copyFate{final: deliver.Delivered}
		if s.random.IntN(4) == 0 {
			f.deferrals = s.random.IntN(4)
		}
		if s.random.IntN(20) == 0 {
			f.final = deliver.Failed
		}
		s.fates[copyKey{subject, string(m.Address)}] = f
	}
}

// check that every copy has met its fate: once, or at least once when the server died.
func (s *simulation) check() {
	js, err := s.store.Jobs()
	s.must(err)
	if len(js) > 0 {
		ds, _ := s.store.Deferrals(js[0].ID)
		s.Errorf("after 60 days %d jobs wait, the first is %+v, its deferrals %+v", len(js), js[0], ds)
	}
	doubled := 0
	for k, f := range s.fates {
		may := s.dropped[k.subject] || s.gone[k.to]
		if f.told == 0 && !may {
			s.Errorf("%s never got %s", k.to, k.subject)
		}
		if f.told > 1 {
			doubled += f.told - 1
		}
	}
	if doubled > 0 && s.deaths == 0 {
		s.Errorf("%d copies too many, and the server never died", doubled)
	}
}

// Destination is one for all, or the domain.
func (s *simulation) Destination(to string) string {
	if !s.direct {
		return ""
	}
	return to[strings.IndexByte(to, '@')+1:]
}

func (s *simulation) Close() error { return nil }

// Deliver answers as it comes. The last domains are slow.
func (s *simulation) Deliver(ctx context.Context, copies []deliver.Copy, report func(int, deliver.Result)) {
	rest := func(i int, r deliver.Result) {
		for ; i < len(copies); i++ {
			report(i, r)
		}
	}
	for i, c := range copies {
		latency := time.Duration(s.roll(100)) * time.Millisecond
		if s.direct && strings.Contains(c.To, "@d1") {
			latency = time.Duration(s.roll(60_000)) * time.Millisecond
		}
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			rest(i, deliver.Result{Kind: deliver.Deferred, Answer: "stopped"})
			return
		}
		switch n := s.roll(200); {
		case n == 0 && s.direct:
			rest(i, deliver.Result{Kind: deliver.Unreachable, Answer: "no route"})
			return
		case n == 0:
			rest(i, deliver.Result{Kind: deliver.Down, Answer: "no relay"})
			return
		case n < 10 && i > 0:
			return
		}
		report(i, s.answer(c))
	}
}

func (s *simulation) answer(c deliver.Copy) deliver.Result {
	_, subject, _ := bytes.Cut(c.Content.Raw, []byte("Subject: "))
	subject, _, _ = bytes.Cut(subject, []byte("\r\n"))
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fates[copyKey{string(subject), c.To}]
	if f == nil {
		s.Errorf("%s got %s, which is not for them", c.To, subject)
		return deliver.Result{Kind: deliver.Delivered}
	}
	if f.deferrals > 0 {
		f.deferrals--
		return deliver.Result{Kind: deliver.Deferred, Answer: "451 4.7.1 later", Slower: f.deferrals%2 == 0}
	}
	if f.told++; f.final == deliver.Failed {
		return deliver.Result{Kind: deliver.Failed, Answer: "550 5.1.1 nobody"}
	}
	return deliver.Result{Kind: deliver.Delivered, Answer: "250 ok"}
}
