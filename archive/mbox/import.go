package mbox

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Options of Import; the zero value works.
type Options struct {
	MaxSize  int                     // of one message in bytes; 0: DefaultMaxSize
	Now      time.Time               // for messages without any date; zero: the clock
	Progress func(done, total int64) // bytes of the files read, called after each commit; may be nil
}

// Result of an import.
type Result struct {
	Imported   int       `json:"imported"`
	Duplicates int       `json:"duplicates"`
	Refused    []Refusal `json:"refused"`
}

const (
	batchMessages = 256     // of one commit
	batchBytes    = 4 << 20 // of one commit, unless a single message is larger
	describers    = 2
)

// batch of messages that go into the log in one commit.
type batch struct {
	messages []Message
	sources  []string
	as       []store.Acceptance
	ready    chan struct{} // closed when as is made
	refused  []Refusal     // found on the way to this batch
	size     int
}

// Import adds the messages of files and folders to a list's log, in order, without delivering anything. The time of a post is that of its
// topmost Received field, else its Date. A message whose Message-ID is in the log with the same content is a duplicate; with other content
// it is kept as a second post. The error is for the store and the context; the result tells what was done until then.
func Import(ctx context.Context, st *store.Store, list store.List, paths []string, opts Options) (Result, error) {
	if opts.MaxSize <= 0 {
		opts.MaxSize = DefaultMaxSize
	}
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	res := Result{Refused: []Refusal{}}
	var files []source
	var total int64
	for _, path := range paths {
		f, refused := find(path)
		files = append(files, f...)
		res.Refused = append(res.Refused, refused...)
	}
	for _, f := range files {
		total += f.size
	}

	var done atomic.Int64
	work, order := make(chan *batch), make(chan *batch, describers)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		defer close(order)
		return readAll(ctx, files, opts, &done, work, order)
	})
	for range describers {
		g.Go(func() error {
			for b := range work {
				b.describe(list.ID, opts.Now)
			}
			return nil
		})
	}
	g.Go(func() error {
		for b := range order {
			if err := b.commit(ctx, st, &res); err != nil {
				return err
			}
			if opts.Progress != nil {
				opts.Progress(done.Load(), total)
			}
		}
		return nil
	})
	err := g.Wait()
	return res, err
}

// readAll makes batches and hands each to a describer and, in order, to the committer.
func readAll(ctx context.Context, files []source, opts Options, done *atomic.Int64, work, order chan<- *batch) error {
	b := newBatch()
	send := func() error {
		for _, c := range []chan<- *batch{work, order} {
			select {
			case c <- b:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		b = newBatch()
		return nil
	}
	for _, f := range files {
		err := f.read(opts.MaxSize, done, func(m Message, source string) error {
			if len(b.messages) > 0 && b.size+len(m.Raw) > batchBytes {
				if err := send(); err != nil {
					return err
				}
			}
			b.messages, b.sources, b.size = append(b.messages, m), append(b.sources, source), b.size+len(m.Raw)
			if len(b.messages) == batchMessages {
				return send()
			}
			return nil
		}, func(r Refusal) { b.refused = append(b.refused, r) })
		if err != nil {
			return err
		}
	}
	return send()
}

func newBatch() *batch { return &batch{ready: make(chan struct{})} }

func (b *batch) describe(list uint64, now time.Time) {
	defer close(b.ready)
	b.as = make([]store.Acceptance, len(b.messages))
	for i, m := range b.messages {
		d := archive.Describe(m.Raw, received(m, now))
		b.as[i] = store.Acceptance{
			List: list, MessageID: d.Post.MessageID, Content: d.Post.Content, References: d.References, KeepBoth: true,
			Build: func(uint64) ([]byte, store.Post, error) { return m.Raw, d.Post, nil },
		}
	}
}

// received is the time of an imported post: the topmost Received field, else Date, else the From line, else now. Times to come are not believed.
func received(m Message, now time.Time) time.Time {
	latest := now.Add(24 * time.Hour)
	if t, ok := archive.ReceivedDate(m.Raw); ok && t.Before(latest) {
		return t
	}
	if t, ok := archive.ParseDate(archive.ParseHeader(m.Raw).Get("Date")); ok && t.Before(latest) && t.Unix() >= 0 {
		return t.UTC()
	}
	if !m.Date.IsZero() && m.Date.Before(latest) {
		return m.Date
	}
	return now.UTC()
}

func (b *batch) commit(ctx context.Context, st *store.Store, res *Result) error {
	select {
	case <-b.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	res.Refused = append(res.Refused, b.refused...)
	if len(b.as) == 0 {
		return nil
	}
	results, err := st.AcceptAll(ctx, b.as)
	if err != nil {
		return fmt.Errorf("import messages: %w", err)
	}
	for i, r := range results {
		switch {
		case r.Err == nil:
			res.Imported++
		case errors.Is(r.Err, store.ErrDuplicate):
			res.Duplicates++
		default:
			res.Refused = append(res.Refused, Refusal{Source: b.sources[i], Reason: r.Err.Error()})
		}
	}
	return nil
}
