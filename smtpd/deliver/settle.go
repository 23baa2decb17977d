package deliver

import (
	"context"
	"slices"
	"time"

	"wesouthasians.org/sangam/lists/bounce"
	"wesouthasians.org/sangam/store"
)

// finish books the results of a task.
func (r *Runner) finish(t *task) {
	r.end(t)
	now := r.Now()
	down := false
	var again []item
	for i, res := range t.results {
		switch res.Kind {
		case 0: // there was no time for it
			again = append(again, t.items[i])
			continue
		case Down:
			r.wentDown(t.a, res.Answer, now, !down)
			down = true
			again = append(again, t.items[i])
			continue
		case Unreachable:
			res.Kind = Deferred
		}
		r.cameBack()
		r.book(t.items[i], res, now)
	}
	r.putBack(t, again)
	r.judge(t, now)
	r.advance(t.a)
}

// book writes the fate of one recipient into its claim's settlement.
func (r *Runner) book(it item, res Result, now time.Time) {
	c, to := it.c, it.to
	c.open--
	c.tried++
	r.copies++
	j := c.a.job
	delete(r.astray, deferral{j.ID, to.Address})
	if to.Since.IsZero() {
		to.Since = now
	}
	hard := res.Kind == Failed && bounce.Hard(res.Answer)
	if res.Kind == Deferred && now.Sub(to.Since) >= r.RetryFor {
		res = Result{Kind: Failed, Answer: "tried for " + r.RetryFor.String() + ", last answer: " + res.Answer}
	}
	if r.Count != nil {
		r.Count(res.Kind, 1)
	}
	log := r.Log.With("job", j.ID, "list", c.a.render.list.Name, "number", j.Number, "recipient", to.Address, "answer", res.Answer)
	switch res.Kind {
	case Delivered:
		c.delivered++
		log.Debug("delivered")
	case Deferred:
		to.Attempts++
		next := now.Add(backoff(firstRetry, lastRetry, to.Attempts)).Truncate(time.Second)
		c.settlement.Deferred = append(c.settlement.Deferred, item{c, to}.deferral(next, res.Answer))
		log.Info("deferred", "attempts", to.Attempts, "next", next)
		if r.due.IsZero() || next.Before(r.due) {
			r.due = next
		}
		return
	case Failed:
		c.settlement.Failed = append(c.settlement.Failed, store.FailedCopy{Member: to.Member, Permanent: hard, Recipient: to.Address, Answer: res.Answer, At: now})
		log.Info("failed")
	}
	if c.retry {
		c.settlement.Done = append(c.settlement.Done, to.Address)
	}
}

// advance settles the claims of a job that are through, in the order of the roster, so that the cursor never passes one
// that is not.
func (r *Runner) advance(a *active) {
	for len(a.claims) > 0 && a.claims[0].open == 0 {
		r.through(a.claims[0])
		a.claims[0].settled = true
		a.claims = a.claims[1:]
	}
	a.strays = slices.DeleteFunc(a.strays, func(c *claim) bool { // these wait only for the claim that writes their rows
		if c.from != nil && !c.from.settled {
			return false
		}
		if s := c.settlement; c.open == 0 || len(s.Deferred)+len(s.Done)+len(s.Failed) > 0 {
			r.through(c)
		}
		return c.open == 0
	})
	if len(a.claims)+len(a.strays) == 0 && !a.more { // it stays in known until that is settled, so that load does not begin it anew
		r.active = slices.DeleteFunc(r.active, func(x *active) bool { return x == a })
	}
}

// through lets a claim be settled, as far as it has come.
func (r *Runner) through(c *claim) {
	a, s := c.a, c.settlement
	s.Job = a.job.ID
	if !c.retry {
		s.Cursor, s.Exhausted = c.last, c.exhausted
	}
	if a.stands {
		s.Whole, a.stands = &store.Wait{}, false
	}
	r.pending = append(r.pending, s)
	if c.delivered > 0 {
		r.Log.Info("delivered", "job", a.job.ID, "list", a.render.list.Name, "number", a.job.Number, "recipients", c.delivered)
	}
	c.settlement, c.delivered = store.Settlement{}, 0
}

// settleInTime writes what is booked when it is much or old.
func (r *Runner) settleInTime(ctx context.Context) error {
	if r.copies < settleCopies && time.Since(r.settled) < settleEvery {
		return nil
	}
	return r.settle(ctx)
}

func (r *Runner) settle(ctx context.Context) error {
	r.settled = time.Now()
	if len(r.pending) == 0 {
		return nil
	}
	if err := r.Store.Settle(context.WithoutCancel(ctx), r.pending); err != nil {
		return err
	}
	for _, s := range r.pending {
		if s.Exhausted {
			delete(r.known, s.Job)
		}
		for _, d := range s.Deferred { // only now: until it is written the store still calls it due
			if key := (deferral{s.Job, d.Recipient}); !r.astray[key] {
				delete(r.retrying, key)
			}
		}
		for _, a := range s.Done {
			delete(r.retrying, deferral{s.Job, a})
		}
	}
	r.pending, r.copies = nil, 0
	return nil
}

// wentDown begins or prolongs an outage and lets the queue show it.
func (r *Runner) wentDown(a *active, answer string, now time.Time, first bool) {
	if first && !now.Before(r.down.next) {
		r.down.attempts++
		r.down.next = now.Add(backoff(firstProbe, lastProbe, r.down.attempts))
		r.down.answer = answer
		r.Log.Warn("nothing can be sent", "answer", answer, "next", r.down.next)
	}
	r.showOutage(a)
}

// showOutage writes to the job why it waits.
func (r *Runner) showOutage(a *active) {
	a.stands = true
	r.pending = append(r.pending, store.Settlement{Job: a.job.ID, Whole: &store.Wait{Attempts: r.down.attempts, Next: r.down.next, Answer: r.down.answer}})
}

func (r *Runner) cameBack() {
	if r.down.is() {
		r.Log.Info("sending again", "attempts", r.down.attempts)
		r.down = outage{}
	}
}

// expire works on jobs during an outage: all show it, and one that has waited for too long fails as a whole, for that says
// nothing about its members.
func (r *Runner) expire(now time.Time) error {
	for _, a := range slices.Clone(r.active) {
		if !a.stands {
			r.showOutage(a)
		}
		if r.flying > 0 || now.Sub(a.job.Created) < r.RetryFor {
			continue
		}
		ds, err := r.Store.Deferrals(a.job.ID)
		if err != nil {
			return err
		}
		s := store.Settlement{Job: a.job.ID, Exhausted: true}
		for _, d := range ds {
			s.Done = append(s.Done, d.Recipient)
		}
		r.giveUp(a)
		r.pending = append(r.pending, s)
		r.Log.Info("failed", "job", a.job.ID, "list", a.render.list.Name, "number", a.job.Number, "answer", r.down.answer)
	}
	return nil
}
