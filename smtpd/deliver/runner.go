package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Transport Transport
	WebURL    string // base of unsubscribe links, without a slash at the end
	// Attachment is the address of an attachment of a post that works without login until a day; nil: attachments stay.
	Attachment  func(l store.List, number uint64, a archive.Attachment, until time.Time) string
	Stamp       Stamp
	Connections int // copies in flight go over so many at once
	// PerDestination is how many of them go to one destination at most, where there are several; 0: there is only one.
	PerDestination int
	RetryFor       time.Duration // after the first attempt
	Now            func() time.Time
	Log            *slog.Logger
	// Count is told of every fate, for metrics; nil is fine.
	Count func(k Kind, n int)
}

// Sizes of the work. A claim is one read of the roster, a task is what one connection gets at a time.
const (
	maxActive    = 16       // jobs that are worked on at the same time, in turns
	maxHeld      = 64 << 20 // bytes of their posts
	claimSize    = 200
	taskSize     = 10
	loneTask     = 50 // when no other job waits for the destination
	maxClaims    = 25 // of one job in flight
	settleEvery  = 250 * time.Millisecond
	settleCopies = 2000
	drainTime    = 20 * time.Second
	dueSize      = 500
	longestSleep = time.Minute
)

// Runner is the queue runner. One goroutine keeps the books; the others hand copies to the transport.
type Runner struct {
	Options
	active   []*active // in the order of their turns
	known    map[uint64]*active
	tasks    chan *task
	finished chan *task
	flying   int

	destinations map[string]*destination
	turns        []*destination // in the order of their turns
	waiting      int            // recipients, over all destinations
	slow         int            // tasks that fly to suspect destinations
	probes       int            // tasks that fly to destinations that are not known
	inFlight     map[*task]bool
	strayed      time.Time         // when it was last looked for strays
	astray       map[deferral]bool // strays without a fate

	down     outage
	pending  []store.Settlement
	copies   int // in pending
	settled  time.Time
	retrying map[deferral]bool
	due      time.Time       // when to look for deferrals again
	asked    <-chan struct{} // closed when a retry is asked for
	beyond   bool            // the store has jobs that wait for a place among the active
}

type deferral struct {
	job uint64
	to  store.Address
}

// outage of the transport: while it lasts, one task at a time tries whether it has ended.
type outage struct {
	attempts int
	next     time.Time
	answer   string
}

func (o outage) is() bool { return o.attempts > 0 }

// active is a job being worked on.
type active struct {
	job     store.Job
	render  *renderer
	behind  store.Address // last recipient claimed
	more    bool
	claims  []*claim // in flight, in the order of the roster
	strays  []*claim // and those that have rows of their own
	waiting int      // recipients that wait for their turns
	stands  bool     // the store knows that the whole job waits
}

// claim is a run of recipients that is settled as a whole.
type claim struct {
	a          *active
	last       store.Address
	exhausted  bool
	open       int // recipients without a fate
	unsent     int // of these, those that wait for their turns
	tried      int // recipients with a fate
	settlement store.Settlement
	delivered  int
	retry      bool   // of recipients with rows of their own: it moves no cursor
	from       *claim // of strays: the claim whose settlement writes their rows
	settled    bool   // or about to be
	began      time.Time
}

// untouched: no recipient has a fate.
func (c *claim) untouched() bool { return c.open > 0 && c.open == c.unsent && c.tried == 0 }

// task is what a worker gets: some recipients of a job with one destination.
type task struct {
	a       *active
	d       *destination
	items   []item
	to      []store.Recipient // of the items, for the worker
	results []Result
	began   time.Time
	slow    bool // its destination was suspect, when it began
	probe   bool // and not known
}

// New returns a runner that does not run yet.
func New(o Options) *Runner {
	return &Runner{Options: o, known: map[uint64]*active{}, tasks: make(chan *task), finished: make(chan *task, 64),
		retrying: map[deferral]bool{}, destinations: map[string]*destination{}, inFlight: map[*task]bool{}, astray: map[deferral]bool{}}
}

// Run works until the context ends, then lets the copies in flight finish, settles them and leaves the rest in the store.
func (r *Runner) Run(ctx context.Context) error {
	r.asked = r.Store.RetryAsked()
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	for range max(1, r.Connections) {
		workers.Go(func() { r.work(sending) })
	}
	defer workers.Wait()
	defer close(r.tasks)
	defer stop()
	for ctx.Err() == nil {
		if err := r.turn(ctx); err != nil {
			r.Log.Error("delivery stands still", "cause", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	return r.drain(stop)
}

func (r *Runner) drain(stop context.CancelFunc) error {
	timer := time.AfterFunc(drainTime, stop)
	defer timer.Stop()
	for r.flying > 0 {
		r.finish(<-r.finished)
	}
	r.leave()
	if err := r.settle(context.Background()); err != nil {
		return fmt.Errorf("leave the queue: %w", err)
	}
	return nil
}

// leave makes deferrals of what is claimed and was not sent, so that what was sent beside it is not sent again. Claims of
// which nothing was sent, at the end, are left to the cursor, and deferrals as they are.
func (r *Runner) leave() {
	now := r.Now()
	for _, a := range slices.Clone(r.active) {
		untouched := map[*claim]bool{}
		for n := len(a.claims); n > 0 && a.claims[n-1].untouched(); n-- {
			untouched[a.claims[n-1]] = true
			a.claims, a.more = a.claims[:n-1], true
		}
		for _, it := range r.withdraw(a) {
			c := it.c
			if c.open--; untouched[c] || c.retry && c.from == nil {
				continue
			}
			if it.to.Since.IsZero() {
				it.to.Since = now
			}
			c.settlement.Deferred = append(c.settlement.Deferred, it.deferral(now, "the server was stopped before it was sent"))
		}
		r.advance(a)
	}
}

func (r *Runner) work(ctx context.Context) {
	for t := range r.tasks {
		t.results = make([]Result, len(t.to))
		r.send(ctx, t)
		r.finished <- t
	}
}

// send makes the copies of a task and hands them over. One that makes us panic waits as others do that cannot be made: the server must not die
// of it, for it would again.
func (r *Runner) send(ctx context.Context, t *task) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		r.Log.Error("panic in delivery", "job", t.a.job.ID, "panic", v, "stack", string(debug.Stack()))
		for i := range t.results {
			if t.results[i].Kind == 0 {
				t.results[i] = Result{Kind: Deferred, Answer: "the copy cannot be sent: see the log of the server"}
			}
		}
	}()
	copies := make([]Copy, len(t.to))
	for i, to := range t.to {
		var err error
		if copies[i], err = t.a.render.copy(ctx, to); err != nil {
			for i := range t.results {
				t.results[i] = Result{Kind: Deferred, Answer: "the copy cannot be made: " + err.Error()}
			}
			return
		}
	}
	var ahead sync.WaitGroup
	if t.a.render.stamp.Keys != nil { // to sign takes longer than all else: it goes on while others are sent
		sending, sent := context.WithCancel(ctx)
		ahead.Go(func() {
			defer func() { recover() }() // who sends the copy meets it again
			for i := 0; i < len(copies) && sending.Err() == nil; i++ {
				copies[i].Head()
			}
		})
		defer ahead.Wait()
		defer sent()
	}
	r.Transport.Deliver(ctx, copies, func(i int, res Result) { t.results[i] = res })
}

// turn hands out one task, or waits for something to happen.
func (r *Runner) turn(ctx context.Context) error {
	outbox := r.Store.OutboxChanged()
	if err := r.settle(ctx); err != nil { // load compares with the store
		return err
	}
	if err := r.load(); err != nil {
		return err
	}
	for moved := false; ; {
		moved = r.collect() || moved
		if err := r.settleInTime(ctx); err != nil {
			return err
		}
		if stale(outbox) || ctx.Err() != nil || moved && r.beyond && r.roomy() {
			return r.settle(ctx)
		}
		t, err := r.next()
		if err != nil {
			return err
		}
		var tasks chan *task
		switch {
		case t != nil:
			t.began, tasks = r.Now(), r.tasks
		case r.flying == 0: // nothing more will come to be settled with it
			if err := r.settle(ctx); err != nil {
				return err
			}
		}
		select {
		case tasks <- t:
			r.begin(t)
			continue
		default:
		}
		timer := time.NewTimer(r.sleep())
		select {
		case tasks <- t:
			r.begin(t)
			timer.Stop()
			continue
		case done := <-r.finished:
			r.finish(done)
		case <-outbox:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		r.putAllBack(t)
		moved = true
	}
}

// collect books the tasks that have come back, and tells whether there were any.
func (r *Runner) collect() (any bool) {
	for {
		select {
		case done := <-r.finished:
			r.finish(done)
			any = true
		default:
			return any
		}
	}
}

// stale tells whether the store has changed since the channel was taken.
func stale(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

// sleep is how long nothing will happen by itself.
func (r *Runner) sleep() time.Duration {
	d := longestSleep
	if len(r.pending) > 0 {
		d = settleEvery
	}
	now := r.Now()
	if r.PerDestination > 0 && r.waiting+r.flying > 0 {
		d = min(d, strayAfter/3)
	}
	if !r.due.IsZero() && !r.down.is() {
		d = min(d, r.due.Sub(now))
	}
	if r.down.is() && r.flying == 0 {
		d = min(d, r.down.next.Sub(now))
	}
	return max(d, time.Millisecond)
}
