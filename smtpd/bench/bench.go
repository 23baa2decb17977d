// Package bench measures delivery: posts to a roster of any size, through the runner and a transport of package deliver, to a sink that is a
// process of its own, so that processor time and memory are the sender's alone. The command `sangam bench` and the benchmarks of package deliver
// use it.
package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// Options of Start.
type Options struct {
	Members     int
	Connections int
	Sign        bool   // with RSA and Ed25519, per member
	Direct      bool   // to the mail servers of Domains domains, in place of a relay
	Dir         string // the store is made below it; empty: the system's folder for temporary files
	Sink        SinkOptions
	Command     func(o SinkOptions) *exec.Cmd // of a process that calls ServeSink with these
}

// Domains of the members, all behind the same server.
const Domains = 50

// perDestination connections in direct mode.
const perDestination = 5

// post has about 7 KB.
var post = []byte("From: Asha Rao <asha@example.net>\r\nTo: heplink@lists.example.org\r\nSubject: [heplink] Figures of the month\r\n" +
	"Message-ID: <1@example.net>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" +
	strings.Repeat("Colleagues, these are the figures of our district for this month. Please send yours.\r\n", 80))

// Fanout is a list whose posts are delivered.
type Fanout struct {
	o         Options
	dir       string
	store     *store.Store
	list      store.List
	sink      *child
	transport deliver.Transport
	posts     int
	stop      context.CancelFunc
	stopped   chan error

	mu     sync.Mutex
	open   int // copies without a fate
	failed int
	done   chan struct{} // closed when none is open
}

// Start makes a store with a roster, and starts the sink and the runner.
func Start(o Options) (f *Fanout, err error) {
	f = &Fanout{o: o, stopped: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if f.dir, err = os.MkdirTemp(o.Dir, "sangam-bench-"); err != nil {
		return f, err
	}
	if err = f.fill(); err != nil {
		return f, err
	}
	if f.sink, err = startSink(o.Command, o.Sink); err != nil {
		return f, err
	}
	options := deliver.Options{Store: f.store, Addresses: lists.NewAddresses(f.store, nil), WebURL: "https://lists.example.org", Connections: o.Connections,
		RetryFor: time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler), Count: f.count}
	if o.Sign {
		ring, err := dkim.Open(filepath.Join(f.dir, "keys"), "bench")
		if err != nil {
			return f, err
		}
		options.Stamp = deliver.Stamp{Hostname: "lists.example.org", Domain: "lists.example.org", Keys: ring.Keys}
	}
	if o.Direct {
		options.PerDestination = perDestination
		f.transport = deliver.NewDirect(deliver.DirectOptions{Hostname: "lists.example.org", Resolver: dns.New([]string{f.sink.dns}), Port: f.sink.port,
			Loopback: true, Connections: o.Connections})
	} else if f.transport, err = deliver.NewRelay(deliver.RelayOptions{URL: "smtp://" + f.sink.smtp, Hostname: "lists.example.org", Connections: o.Connections}); err != nil {
		return f, err
	}
	options.Transport = f.transport
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	runner := deliver.New(options)
	go func() { f.stopped <- runner.Run(ctx) }()
	debug.FreeOSMemory()
	return f, nil
}

// fill makes the list and its roster.
func (f *Fanout) fill() error {
	engine, err := bolt.Open(filepath.Join(f.dir, "sangam.db"))
	if err != nil {
		return err
	}
	if f.store, err = store.Open(engine); err != nil {
		return errors.Join(err, engine.Close())
	}
	if f.list, err = f.store.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()}); err != nil {
		return err
	}
	joined := time.Now().Add(-time.Hour)
	all := make([]int, f.o.Members)
	for i := range all {
		all[i] = i
	}
	for part := range slices.Chunk(all, 5000) {
		ms := make([]store.Member, len(part))
		for k, i := range part {
			if ms[k], err = f.store.NewMember(f.list.ID, fmt.Sprintf("member%06d@d%02d.example.org", i, i%Domains), joined); err != nil {
				return err
			}
		}
		if _, err = f.store.AddMembers(ms); err != nil {
			return err
		}
	}
	return nil
}

// Run posts so many times, each post as soon as the one before is accepted, and measures until every copy is delivered and that is written down.
// An error when a copy was not delivered at the first attempt.
func (f *Fanout) Run(ctx context.Context, posts int) (Report, error) {
	f.mu.Lock()
	f.open, f.failed, f.done = posts*f.o.Members, 0, make(chan struct{})
	done := f.done
	f.mu.Unlock()
	resetPeak()
	before := measure()
	var accepted []time.Duration
	for range posts {
		began := time.Now()
		if err := f.accept(ctx); err != nil {
			return Report{}, err
		}
		accepted = append(accepted, time.Since(began))
	}
	select {
	case <-done:
	case err := <-f.stopped:
		f.stopped <- err
		return Report{}, errors.Join(errors.New("delivery ended early"), err)
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	took := time.Since(before.at)
	for jobs := 1; jobs > 0; time.Sleep(time.Millisecond) {
		js, err := f.store.Jobs()
		if jobs = len(js); err != nil {
			return Report{}, err
		}
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
	}
	slices.Sort(accepted)
	r := before.until(measure())
	r.Copies, r.Seconds, r.Accepted = posts*f.o.Members, took.Seconds(), accepted[len(accepted)/2].Seconds()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed > 0 {
		return r, fmt.Errorf("%d of %d copies were not delivered at the first attempt", f.failed, r.Copies)
	}
	return r, nil
}

func (f *Fanout) accept(ctx context.Context) error {
	f.posts++
	_, err := f.store.Accept(ctx, store.Acceptance{List: f.list.ID, Content: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(f.posts))), Deliver: true,
		Build: func(uint64) ([]byte, store.Post, error) {
			return post, store.Post{Received: time.Now(), Date: time.Now()}, nil
		}})
	return err
}

func (f *Fanout) count(k deliver.Kind, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open -= n; k != deliver.Delivered {
		f.failed += n
	}
	if f.open == 0 {
		close(f.done)
	}
}

// Close ends the runner and the sink, and removes the store.
func (f *Fanout) Close() error {
	var errs []error
	if f.stop != nil {
		f.stop()
		errs = append(errs, <-f.stopped)
	}
	if f.transport != nil {
		errs = append(errs, f.transport.Close())
	}
	if f.sink != nil {
		errs = append(errs, f.sink.stop())
	}
	if f.store != nil {
		errs = append(errs, f.store.Close())
	}
	if f.dir != "" {
		errs = append(errs, os.RemoveAll(f.dir))
	}
	return errors.Join(errs...)
}
