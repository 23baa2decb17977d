package deliver

import (
	"time"

	"wesouthasians.org/sangam/store"
)

// A claim is settled as a whole, so that the roster needs only a cursor. When a few of its recipients are held up by a destination that does not
// move, they go astray: they get rows of their own, as deferred ones have, and the rest of the claim is settled without them.
var strayAfter = 3 * time.Second // shorter in tests

// strayNext is when a stray is tried again by the next server, if this one dies.
const strayNext = 5 * time.Minute

// stray lets the recipients go astray whose destinations hold up their claims.
func (r *Runner) stray(now time.Time) {
	if r.PerDestination == 0 || now.Sub(r.strayed) < strayAfter/3 {
		return
	}
	r.strayed = now
	stalled := func(d *destination) bool { return now.Sub(d.moved) > strayAfter }
	move := map[*claim]*claim{}
	for _, d := range r.turns {
		if !stalled(d) {
			continue
		}
		for _, l := range d.lines {
			for i := range l.items {
				if r.detach(&l.items[i], move, now) {
					l.items[i].c.unsent++
				}
			}
		}
	}
	for t := range r.inFlight {
		if stalled(t.d) {
			for i := range t.items {
				r.detach(&t.items[i], move, now)
			}
		}
	}
	for c := range move {
		r.advance(c.a)
	}
}

// detach moves one recipient from its claim to a claim of strays of the same job.
func (r *Runner) detach(it *item, move map[*claim]*claim, now time.Time) bool {
	c := it.c
	if c.retry || now.Sub(c.began) <= strayAfter {
		return false
	}
	s := move[c]
	if s == nil {
		s = &claim{a: c.a, retry: true, from: c, began: now}
		move[c] = s
		c.a.strays = append(c.a.strays, s)
	}
	if it.to.Since.IsZero() {
		it.to.Since = now
	}
	c.open--
	c.tried++
	s.open++
	it.c = s
	key := deferral{c.a.job.ID, it.to.Address}
	r.retrying[key], r.astray[key] = true, true
	c.settlement.Deferred = append(c.settlement.Deferred, it.deferral(now.Add(strayNext), "is being tried"))
	return true
}

// deferral is the row of a recipient that is tried again.
func (it item) deferral(next time.Time, answer string) store.Deferral {
	return store.Deferral{Recipient: it.to.Address, Mailbox: it.to.Mailbox, Member: it.to.Member, Attempts: it.to.Attempts,
		Since: it.to.Since, Next: next, LastAnswer: answer}
}
