package deliver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

const patience = 20 * time.Second

// world is a list with members, a sink as relay, and a clock that the test moves.
type world struct {
	testing.TB
	store          *store.Store
	list           store.List
	sink           *sink.Sink
	shift          atomic.Int64
	stop           func()
	relay          deliver.RelayOptions
	stamp          deliver.Stamp
	workers        int
	perDestination int

	attachment func(store.List, uint64, archive.Attachment, time.Time) string
}

func newWorld(t testing.TB, members int, o sink.Options) *world {
	t.Helper()
	w := &world{TB: t, store: storetest.NewStore(t), workers: 5}
	var err error
	w.list, err = w.store.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	w.must(err)
	var ms []store.Member
	for i := range members {
		m, err := w.store.NewMember(w.list.ID, fmt.Sprintf("member%05d@example.org", i), time.Now().Add(-time.Hour))
		w.must(err)
		ms = append(ms, m)
	}
	_, err = w.store.AddMembers(ms)
	w.must(err)
	w.sink, err = sink.Start(o)
	w.must(err)
	t.Cleanup(func() { w.sink.Close() })
	w.relay = deliver.RelayOptions{URL: "smtp://" + w.sink.Addr(), TLS: "opportunistic", Hostname: "lists.example.org", Connections: 5}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())) }

func (w *world) run() {
	w.Helper()
	transport, err := deliver.NewRelay(w.relay)
	w.must(err)
	w.runOver(transport)
}

func (w *world) runOver(transport deliver.Transport) {
	r := deliver.New(deliver.Options{Store: w.store, Addresses: lists.NewAddresses(w.store, nil), Transport: transport,
		WebURL: "https://lists.example.org", Stamp: w.stamp, Attachment: w.attachment, Connections: w.workers, PerDestination: w.perDestination, RetryFor: 5 * 24 * time.Hour, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		w.must(<-done)
		transport.Close()
	})
	w.Cleanup(w.stop)
}

func (w *world) post(body string) {
	w.Helper()
	w.postFrom("asha@example.net", nil, body)
}

func (w *world) postFrom(author store.Address, inHeader []store.Address, body string) {
	w.Helper()
	w.accept(author, inHeader, "From: Asha <asha@example.net>\r\nSubject: test\r\n\r\n"+body)
}

func (w *world) postRaw(raw string) {
	w.Helper()
	w.accept("asha@example.net", nil, raw)
}

func (w *world) accept(author store.Address, inHeader []store.Address, raw string) {
	w.Helper()
	_, err := w.store.Accept(context.Background(), store.Acceptance{List: w.list.ID, Content: sha256.Sum256([]byte(raw)), Deliver: true,
		Author: author, InHeader: inHeader,
		Build: func(uint64) ([]byte, store.Post, error) {
			return []byte(raw), store.Post{Received: time.Now(), Date: time.Now()}, nil
		}})
	w.must(err)
}

// eventually polls a condition of the store.
func (w *world) eventually(what string, cond func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !cond(); {
		if time.Now().After(deadline) {
			w.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) idle() bool {
	js, err := w.store.Jobs()
	w.must(err)
	return len(js) == 0
}

func TestEveryMemberOnce(t *testing.T) {
	w := newWorld(t, 2000, sink.Options{})
	w.run()
	w.post("hello\r\n.dots\r\n")
	w.eventually("the job is done", w.idle)
	for a, n := range w.sink.Counts() {
		if n != 1 {
			t.Fatalf("%s got %d copies", a, n)
		}
	}
	if w.sink.Total() != 2000 {
		t.Errorf("%d copies", w.sink.Total())
	}
	if n := w.sink.Connections(); n > 5 {
		t.Errorf("%d connections for 2000 copies", n)
	}
}

func TestCopyOfAMember(t *testing.T) {
	w := newWorld(t, 1, sink.Options{Keep: true})
	w.run()
	w.post("hello\r\n.dot\r\n..two\r\n")
	w.eventually("the job is done", w.idle)
	m := w.sink.Messages()[0]
	if !bytes.Contains(m.Data, []byte("Sender: "+m.From+"\r\n")) {
		t.Errorf("Sender is not the return path %s:\n%s", m.From, m.Data)
	}
	r, err := lists.NewAddresses(w.store, nil).Resolve(m.From)
	if err != nil || r.Kind != lists.KindBounce || r.Member != w.store.MemberID(w.list.ID, "member00000@example.org") {
		t.Errorf("return path %s: %v %v", m.From, r, err)
	}
	text := string(m.Data)
	for _, want := range []string{"List-Unsubscribe: <https://lists.example.org/u/", "\t<mailto:heplink-leave+",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "\r\n\r\nhello\r\n.dot\r\n..two\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("copy lacks %q:\n%s", want, text)
		}
	}
}

func TestTemporaryRefusalIsTriedAgain(t *testing.T) {
	var refused atomic.Int32
	w := newWorld(t, 3, sink.Options{Answer: func(to string) string {
		if strings.HasPrefix(to, "member00001") && refused.Add(1) == 1 {
			return "451 4.2.0 greylisted"
		}
		return ""
	}})
	w.run()
	w.post("hello")
	w.eventually("a deferral", func() bool { ds, _ := w.store.Deferrals(0); return len(ds) == 1 })
	ds, _ := w.store.Deferrals(0)
	wait := time.Until(ds[0].Next)
	if !strings.Contains(ds[0].LastAnswer, "greylisted") || wait < 4*time.Minute || wait > 6*time.Minute {
		t.Errorf("deferral is %+v", ds[0])
	}
	w.shift.Store(int64(10 * time.Minute))
	w.must(w.store.RetryNow(0, time.Now().Truncate(time.Second)))
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 3 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

// A refusal of the post itself counts less than one of the address.
func TestRefusalIsRecordedByItsKind(t *testing.T) {
	answers := map[string]string{"member00001": "550 5.1.1 no such user", "member00002": "554 5.7.1 this looks like spam", "member00003": "552 5.2.2 over quota"}
	w := newWorld(t, 5, sink.Options{Answer: func(to string) string { return answers[strings.Split(to, "@")[0]] }})
	w.run()
	w.post("hello")
	w.eventually("the job is done", w.idle)
	for name, score := range map[string]float64{"member00001": 2.5, "member00002": 0.7, "member00003": 0.7} {
		m, err := w.store.Member(w.list.ID, store.Address(name+"@example.org"))
		w.must(err)
		if m.Failure.Count != 1 || m.Failure.Score != score || !strings.Contains(m.Failure.Answer, answers[name]) {
			t.Errorf("%s: failure is %+v", name, m.Failure)
		}
	}
	if w.sink.Total() != 2 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

func TestLostConnectionIsNoDelivery(t *testing.T) {
	var broken atomic.Int32
	w := newWorld(t, 100, sink.Options{AnswerData: func(to []string) string {
		if broken.Add(1)%10 == 3 {
			return "-"
		}
		return ""
	}})
	w.run()
	w.post("hello")
	w.eventually("the job is done", func() bool {
		w.must(w.store.RetryNow(0, time.Now().Truncate(time.Second))) // a copy that was unlucky twice waits
		return w.idle()
	})
	for a, n := range w.sink.Counts() {
		if n != 1 {
			t.Errorf("%s got %d copies", a, n)
		}
	}
}

func TestRelayDownHoldsTheJobAndNoRecipient(t *testing.T) {
	w := newWorld(t, 50, sink.Options{})
	address := w.sink.Addr()
	w.sink.Close()
	w.run()
	w.post("hello")
	w.eventually("the job waits", func() bool {
		js, _ := w.store.Jobs()
		return len(js) == 1 && js[0].LastAnswer != ""
	})
	if ds, _ := w.store.Deferrals(0); len(ds) != 0 {
		t.Errorf("%d deferrals for a dead relay", len(ds))
	}
	var err error
	w.sink, err = sink.StartAt(address, sink.Options{})
	w.must(err)
	defer w.sink.Close()
	w.must(w.store.RetryNow(0, time.Now().Truncate(time.Second)))
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 50 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

func TestStopAndStartSendsNothingTwice(t *testing.T) {
	w := newWorld(t, 1000, sink.Options{})
	w.run()
	w.post("hello")
	w.eventually("some copies", func() bool { return w.sink.Total() > 50 })
	w.stop()
	w.run()
	w.eventually("the job is done", w.idle)
	counts := w.sink.Counts()
	if len(counts) != 1000 || w.sink.Total() != 1000 {
		t.Errorf("%d members got %d copies", len(counts), w.sink.Total())
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t, 3, sink.Options{User: "sangam", Password: "s p@ss"})
	w.relay.URL = "smtp://sangam:s%20p%40ss@" + w.sink.Addr()
	w.run()
	w.post("hello")
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 3 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

func TestWrongPasswordIsAnOutage(t *testing.T) {
	w := newWorld(t, 3, sink.Options{User: "sangam", Password: "secret"})
	w.relay.URL = "smtp://sangam:wrong@" + w.sink.Addr()
	w.run()
	w.post("hello")
	w.eventually("the job waits", func() bool {
		js, _ := w.store.Jobs()
		return len(js) == 1 && strings.Contains(js[0].LastAnswer, "login refused")
	})
}

func TestWithoutPipelining(t *testing.T) {
	w := newWorld(t, 30, sink.Options{NoPipelining: true, Answer: func(to string) string {
		if strings.HasPrefix(to, "member00007") {
			return "550 no"
		}
		return ""
	}})
	w.run()
	w.post("hello")
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 29 {
		t.Errorf("%d copies", w.sink.Total())
	}
}
