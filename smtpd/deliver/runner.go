package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	Connections int           // copies in flight go over so many at once
	RetryFor    time.Duration // after the first attempt
	Now         func() time.Time
	Log         *slog.Logger
	// Count is told of every fate, for metrics; nil is fine.
	Count func(k Kind, n int)
}

// Sizes of the work. A claim is one read of the roster, a task is what one connection gets at a time.
const (
	maxActive    = 16 // jobs that are worked on at the same time, in turns
	claimSize    = 200
	taskSize     = 10
	maxClaims    = 2 // of one job in flight
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
	tasks    chan task
	finished chan task
	flying   int
	down     outage
	pending  []store.Settlement
	copies   int // in pending
	settled  time.Time
	retrying map[deferral]bool
	due      time.Time // when to look for deferrals again
	beyond   bool      // the store has jobs that wait for a place among the active
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
	waiting bool     // the store knows that the whole job waits
}

// claim is a run of recipients that is settled as a whole.
type claim struct {
	a          *active
	last       store.Address
	exhausted  bool
	open       int // recipients without a fate
	tried      int // recipients with a fate
	unsent     []store.Recipient
	settlement store.Settlement
	delivered  int
	retry      bool // of deferrals: it moves no cursor
}

// untouched: no recipient has a fate.
func (c *claim) untouched() bool { return c.open > 0 && c.open == len(c.unsent) && c.tried == 0 }

// task is what a worker gets: some recipients of a claim.
type task struct {
	c       *claim
	to      []store.Recipient
	results []Result
}

// New returns a runner that does not run yet.
func New(o Options) *Runner {
	return &Runner{Options: o, known: map[uint64]*active{}, tasks: make(chan task), finished: make(chan task, 64),
		retrying: map[deferral]bool{}}
}

// Run works until the context ends, then lets the copies in flight finish, settles them and leaves the rest in the store.
func (r *Runner) Run(ctx context.Context) error {
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
		for n := len(a.claims); n > 0 && a.claims[n-1].untouched(); n-- {
			a.claims, a.more = a.claims[:n-1], true
		}
		for _, c := range a.claims {
			if c.retry {
				c.open, c.unsent = c.open-len(c.unsent), nil
			}
			for _, to := range c.unsent {
				if to.Since.IsZero() {
					to.Since = now
				}
				c.settlement.Deferred = append(c.settlement.Deferred, store.Deferral{Recipient: to.Address, Mailbox: to.Mailbox,
					Member: to.Member, Attempts: to.Attempts, Since: to.Since, Next: now, LastAnswer: "the server was stopped before it was sent"})
			}
			c.open, c.unsent = c.open-len(c.unsent), nil
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

// send makes the copies of a task and hands them over.
func (r *Runner) send(ctx context.Context, t task) {
	copies := make([]Copy, len(t.to))
	for i, to := range t.to {
		var err error
		if copies[i], err = t.c.a.render.copy(ctx, to); err != nil {
			for i := range t.results {
				t.results[i] = Result{Deferred, "the copy cannot be made: " + err.Error()}
			}
			return
		}
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
	for {
		if err := r.settleInTime(ctx); err != nil {
			return err
		}
		t, err := r.next()
		if err != nil {
			return err
		}
		var tasks chan task
		switch {
		case t.c != nil:
			tasks = r.tasks
		case r.flying == 0: // nothing more will come to be settled with it
			if err := r.settle(ctx); err != nil {
				return err
			}
		}
		select {
		case tasks <- t:
			r.flying++
			continue
		default:
		}
		timer := time.NewTimer(r.sleep())
		select {
		case tasks <- t:
			r.flying++
			timer.Stop()
			continue
		case done := <-r.finished:
			r.finish(done)
		case <-outbox:
			r.putBack(t)
			timer.Stop()
			return nil
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		r.putBack(t)
		if ctx.Err() != nil || r.beyond && len(r.active) <= maxActive/2 {
			return r.settle(ctx)
		}
	}
}

// sleep is how long nothing will happen by itself.
func (r *Runner) sleep() time.Duration {
	d := longestSleep
	if len(r.pending) > 0 {
		d = settleEvery
	}
	now := r.Now()
	if !r.due.IsZero() && !r.down.is() {
		d = min(d, r.due.Sub(now))
	}
	if r.down.is() && r.flying == 0 {
		d = min(d, r.down.next.Sub(now))
	}
	return max(d, time.Millisecond)
}

// load takes jobs from the store, and notices what was dropped or is to be retried now.
func (r *Runner) load() error {
	jobs, err := r.Store.Jobs()
	if err != nil {
		return err
	}
	stored := make(map[uint64]bool, len(jobs))
	r.beyond = false
	for _, j := range jobs {
		stored[j.ID] = true
		a := r.known[j.ID]
		if a != nil && a.waiting && j.Next.IsZero() { // queue retry
			a.waiting, r.down.next = false, r.Now()
		}
		if a != nil || j.Exhausted {
			continue
		}
		if wait, err := r.waits(j, jobs); err != nil {
			return err
		} else if wait {
			continue
		}
		if r.beyond = r.beyond || len(r.active) >= maxActive; r.beyond {
			continue
		}
		if a, err = r.activate(j); err != nil { // one that cannot be read does not hold up the others
			r.Log.Error("job is left out", "job", j.ID, "cause", err)
			continue
		}
		if a == nil {
			continue
		}
		a.more = true
		r.active = append(r.active, a)
		r.known[j.ID] = a
	}
	for _, a := range slices.Clone(r.active) {
		if !stored[a.job.ID] { // queue drop
			r.giveUp(a)
		}
	}
	r.due = r.Now()
	return nil
}

// waits tells whether a job must not begin yet: its list is on hold, or it was accepted then and posts before it are still on their way.
func (r *Runner) waits(j store.Job, jobs []store.Job) (bool, error) {
	if !j.ListMail() {
		return false, nil
	}
	l, err := r.Store.ListByID(j.List)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil // it is being removed, and its jobs with it
	}
	if err != nil || l.OnHold {
		return true, err
	}
	for _, before := range jobs {
		if j.Waited && before.ID < j.ID && before.List == j.List && before.ListMail() && !before.Exhausted {
			r.beyond = true
			return true, nil
		}
	}
	return false, nil
}

// giveUp forgets the recipients of a job that are not in flight.
func (r *Runner) giveUp(a *active) {
	a.more = false
	for _, c := range a.claims {
		for _, to := range c.unsent {
			delete(r.retrying, deferral{a.job.ID, to.Address})
		}
		c.open, c.unsent = c.open-len(c.unsent), nil
	}
	r.advance(a)
	if r.known[a.job.ID] == a {
		delete(r.known, a.job.ID)
	}
}

func (r *Runner) activate(j store.Job) (*active, error) {
	raw, err := r.Store.JobRaw(j)
	if errors.Is(err, store.ErrNotFound) { // the post was removed: nothing is left to send
		return nil, r.Store.DropJob(j.ID)
	}
	if err != nil {
		return nil, err
	}
	var l store.List
	if j.List != 0 {
		l, err = r.Store.ListByID(j.List)
		if errors.Is(err, store.ErrNotFound) { // the list is being removed, and its jobs with it
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return &active{job: j, behind: j.Cursor, waiting: !j.Next.IsZero(),
		render: &renderer{addresses: r.Addresses, webURL: r.WebURL, stamp: r.Stamp, list: l, job: j, raw: raw, now: r.Now, link: r.Attachment}}, nil
}

// next makes the next task: deferrals that are due, then the jobs in turns. Its claim is nil when there is nothing to do.
func (r *Runner) next() (task, error) {
	now := r.Now()
	if r.down.is() && (now.Before(r.down.next) || r.flying > 0) {
		return task{}, r.expire(now)
	}
	if !r.due.IsZero() && !now.Before(r.due) {
		if err := r.retries(now); err != nil { // posts that were never tried need not wait for it
			r.Log.Error("deferred mail stands still", "cause", err)
			r.due = now.Add(longestSleep)
		}
	}
	for range r.active {
		a := r.active[0]
		r.active = append(r.active[1:], a)
		t, err := r.taskOf(a, now)
		if err != nil || t.c != nil {
			return t, err
		}
	}
	return task{}, nil
}

// taskOf takes recipients of what is claimed, or claims more.
func (r *Runner) taskOf(a *active, now time.Time) (task, error) {
	for _, c := range a.claims {
		if len(c.unsent) > 0 {
			n := min(taskSize, len(c.unsent))
			t := task{c: c, to: c.unsent[:n:n]}
			c.unsent = c.unsent[n:]
			return t, nil
		}
	}
	for a.more && len(a.claims) < maxClaims {
		rs, last, more, err := r.Store.Claim(a.job, a.behind, claimSize, now)
		if err != nil {
			return task{}, err
		}
		a.behind, a.more = last, more
		c := &claim{a: a, last: last, exhausted: !more, open: len(rs), unsent: rs}
		a.claims = append(a.claims, c)
		if len(rs) > 0 {
			return r.taskOf(a, now)
		}
		r.advance(a)
	}
	return task{}, nil
}

func (r *Runner) putBack(t task) {
	if t.c != nil {
		t.c.unsent = append(t.to, t.c.unsent...)
	}
}

// retries claims the deferrals that are due, by job.
func (r *Runner) retries(now time.Time) error {
	ds, next, err := r.Store.Due(now, dueSize)
	if err != nil {
		return err
	}
	if r.due = next; len(ds) == dueSize || len(r.retrying) > 0 {
		r.due = now.Add(settleEvery)
	}
	byJob := map[uint64]*claim{}
	for _, d := range ds {
		if r.retrying[deferral{d.Job, d.Recipient}] {
			continue
		}
		c := byJob[d.Job]
		if c == nil {
			if len(r.active) >= 2*maxActive { // each holds its post in memory
				r.due = now.Add(settleEvery)
				continue
			}
			if c, err = r.retryClaim(d.Job); err != nil {
				return err
			}
			if c == nil {
				continue
			}
			byJob[d.Job] = c
		}
		r.retrying[deferral{d.Job, d.Recipient}] = true
		m, gone, err := r.member(d)
		if err != nil {
			return err
		}
		if gone {
			c.settlement.Done = append(c.settlement.Done, d.Recipient)
			continue
		}
		c.open++
		c.unsent = append(c.unsent, store.Recipient{Member: d.Member, Address: d.Recipient, Mailbox: d.Mailbox, Attempts: d.Attempts, Since: d.Since,
			Links: m.Attachments == "link"})
	}
	for _, c := range byJob {
		r.advance(c.a) // all may have left
	}
	return nil
}

// member of a deferral, if it is of one; gone tells that it was.
func (r *Runner) member(d store.Deferral) (m store.Member, gone bool, err error) {
	if d.Member == 0 {
		return m, false, nil
	}
	m, err = r.Store.MemberByID(d.Member)
	if errors.Is(err, store.ErrNotFound) {
		return m, true, nil
	}
	return m, false, err
}

// retryClaim is a claim of an active job of its own, for the job's other claims move the cursor.
func (r *Runner) retryClaim(job uint64) (*claim, error) {
	j, err := r.Store.Job(job)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, err := r.activate(j)
	if err != nil || a == nil {
		return nil, err
	}
	c := &claim{a: a, retry: true}
	a.claims = []*claim{c}
	r.active = append(r.active, a)
	return c, nil
}
