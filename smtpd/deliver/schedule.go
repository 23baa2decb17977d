package deliver

import (
	"slices"
	"time"

	"wesouthasians.org/sangam/store"
)

// destination is where copies go together: a domain when mail goes to its own servers, else the relay or the folder. What is claimed waits here
// for its turn, by job, so that neither a slow destination nor a long roster holds up others.
type destination struct {
	name    string
	lines   []*line // in the order of their turns
	waiting int
	flying  int // tasks
	limit   int // tasks at the same time
	slow    bool
	known   bool // it has taken a copy
	trouble int  // in a row; lengthens the pause
	paused  time.Time
	answer  string    // why it is paused
	moved   time.Time // when it last took a copy, or began to have copies waiting
}

// line are the recipients of one job that wait for a destination.
type line struct {
	a     *active
	items []item
}

// item is one recipient with the claim that it settles.
type item struct {
	c  *claim
	to store.Recipient
}

// Limits of what waits in memory, and when a destination counts as slow or stuck.
const (
	maxWaiting = 20_000
	slowTask   = 10 * time.Second
	stuckAfter = time.Minute
	firstPause = time.Minute
	lastPause  = time.Hour
	idleKept   = 1000 // destinations remembered though nothing waits for them
)

// enqueue lets recipients of a claim wait for their turns.
func (r *Runner) enqueue(c *claim, rs []store.Recipient, now time.Time) {
	for _, to := range rs {
		d := r.destinationOf(to)
		if d.waiting == 0 && d.flying == 0 {
			d.moved = now
		}
		it := item{c, to}
		d.add(it)
		r.count(c.a, []item{it}, 1)
	}
}

// count keeps the sums of what waits: by is 1 for items that begin to wait, -1 for items that wait no more.
func (r *Runner) count(a *active, items []item, by int) {
	for _, it := range items {
		it.c.unsent += by
	}
	a.waiting += by * len(items)
	r.waiting += by * len(items)
}

func (r *Runner) destinationOf(to store.Recipient) *destination {
	name := r.Transport.Destination(to.Mailbox)
	d := r.destinations[name]
	if d == nil {
		if len(r.turns) >= idleKept {
			r.forgetIdle()
		}
		d = &destination{name: name, limit: r.Connections}
		if r.PerDestination > 0 {
			d.limit = 1 // until it is known
		}
		r.destinations[name] = d
		r.turns = append(r.turns, d)
	}
	return d
}

// forgetIdle forgets destinations that nothing waits for and that are well.
func (r *Runner) forgetIdle() {
	r.turns = slices.DeleteFunc(r.turns, func(d *destination) bool {
		idle := d.waiting == 0 && d.flying == 0 && !d.paused.After(r.Now())
		if idle {
			delete(r.destinations, d.name)
		}
		return idle
	})
}

func (d *destination) add(it item) {
	d.waiting++
	for _, l := range d.lines {
		if l.a == it.c.a {
			l.items = append(l.items, it)
			return
		}
	}
	d.lines = append(d.lines, &line{it.c.a, []item{it}})
}

// suspect destinations have been slow, or do not answer.
func (d *destination) suspect() bool { return d.slow || d.trouble > 0 && !d.known }

// mayHave tells whether a destination may have one more connection of all: suspects have half of them at most, and those that are not known to
// be well three quarters.
func (r *Runner) mayHave(d *destination) bool {
	if r.PerDestination == 0 {
		return true
	}
	if !d.known && r.probes >= r.Connections-r.Connections/4 {
		return false
	}
	return !d.suspect() || r.slow < max(1, r.Connections/2)
}

// take gives the next job in turn up to n of its recipients.
func (d *destination) take(n int) (*active, []item) {
	l := d.lines[0]
	n = min(n, len(l.items))
	items := l.items[:n:n]
	l.items = l.items[n:]
	d.lines = d.lines[1:]
	if len(l.items) > 0 {
		d.lines = append(d.lines, l)
	}
	d.waiting -= n
	return l.a, items
}

// pick makes a task for the next destination in turn that may have one; nil when none may.
func (r *Runner) pick(now time.Time) *task {
	for i, d := range r.turns {
		if d.waiting == 0 || d.flying >= d.limit || d.paused.After(now) || !r.mayHave(d) {
			continue
		}
		r.turns = append(slices.Delete(r.turns, i, i+1), d)
		n := max(taskSize, loneTask/len(d.lines))
		if r.PerDestination > 0 && !d.known {
			n = 1
		}
		a, items := d.take(n)
		r.count(a, items, -1)
		t := &task{a: a, d: d, items: items, slow: d.suspect(), probe: r.PerDestination > 0 && !d.known}
		for _, it := range items {
			t.to = append(t.to, it.to)
		}
		return t
	}
	return nil
}

// putBack lets the recipients of a task wait again, first in their line.
func (r *Runner) putBack(t *task, items []item) {
	if len(items) == 0 {
		return
	}
	d := t.d
	r.count(t.a, items, 1)
	d.waiting += len(items)
	for i, l := range d.lines {
		if l.a == t.a {
			l.items = append(items[:len(items):len(items)], l.items...)
			d.lines = append([]*line{l}, slices.Delete(d.lines, i, i+1)...)
			return
		}
	}
	d.lines = append([]*line{{t.a, items}}, d.lines...)
}

// putAllBack undoes pick.
func (r *Runner) putAllBack(t *task) {
	if t != nil {
		r.putBack(t, t.items)
	}
}

// begin and end book a task that flies.
func (r *Runner) begin(t *task) {
	r.inFlight[t] = true
	r.flying++
	t.d.flying++
	if t.slow {
		r.slow++
	}
	if t.probe {
		r.probes++
	}
}

func (r *Runner) end(t *task) {
	delete(r.inFlight, t)
	r.flying--
	t.d.flying--
	if t.slow {
		r.slow--
	}
	if t.probe {
		r.probes--
	}
}

// judge adapts the limit of a destination to how a task went.
func (r *Runner) judge(t *task, now time.Time) {
	if r.PerDestination == 0 {
		return
	}
	d, pause, trouble, took := t.d, false, false, false
	for _, res := range t.results {
		pause = pause || res.Kind == Unreachable
		trouble = trouble || res.Kind == Unreachable || res.Slower
		if took = took || res.Kind == Delivered; res.Kind == Unreachable {
			d.answer = res.Answer
		}
	}
	d.slow = now.Sub(t.began) > slowTask
	if took {
		d.known, d.moved = true, now
	}
	switch {
	case pause:
		d.trouble++
		d.limit, d.known = 1, false
		d.paused = now.Add(backoff(firstPause, lastPause, d.trouble))
		r.Log.Warn("destination is paused", "destination", d.name, "answer", d.answer, "next", d.paused)
	case trouble || d.slow:
		d.limit = max(1, d.limit/2)
	default:
		d.trouble = 0
		d.limit = min(d.limit+1, r.PerDestination)
	}
}

// resume ends the pauses of all destinations when a retry was asked for.
func (r *Runner) resume() {
	if !stale(r.asked) {
		return
	}
	r.asked = r.Store.RetryAsked()
	for _, d := range r.turns {
		d.paused = time.Time{}
	}
}

// shed makes deferrals of what waits for a destination that is paused or stuck, so that its job can end and be tried again later.
func (r *Runner) shed(now time.Time) {
	if r.PerDestination == 0 {
		return
	}
	for _, d := range r.turns {
		paused, stuck := d.paused.After(now), now.Sub(d.moved) > stuckAfter
		if d.waiting == 0 || !paused && !stuck && r.waiting < maxWaiting {
			continue
		}
		answer := d.answer
		if !paused {
			answer = "waits for its turn: " + d.name + " takes mail slowly"
		}
		for d.waiting > 0 {
			a, items := d.take(d.waiting)
			r.count(a, items, -1)
			for _, it := range items {
				r.book(it, Result{Kind: Deferred, Answer: answer}, now)
			}
			r.advance(a)
		}
	}
}

// withdraw takes the waiting recipients of a job out of their lines.
func (r *Runner) withdraw(a *active) []item {
	var all []item
	for _, d := range r.turns {
		d.lines = slices.DeleteFunc(d.lines, func(l *line) bool {
			if l.a != a {
				return false
			}
			all = append(all, l.items...)
			d.waiting -= len(l.items)
			return true
		})
	}
	r.count(a, all, -1)
	return all
}
