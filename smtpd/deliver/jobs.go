package deliver

import (
	"errors"
	"slices"
	"time"

	"wesouthasians.org/sangam/store"
)

// load takes jobs from the store, and notices what was dropped or is to be retried now.
func (r *Runner) load() error {
	r.resume()
	jobs, err := r.Store.Jobs()
	if err != nil {
		return err
	}
	stored := make(map[uint64]bool, len(jobs))
	r.beyond = false
	for _, j := range jobs {
		stored[j.ID] = true
		a := r.known[j.ID]
		if a != nil && a.stands && j.Next.IsZero() { // queue retry
			a.stands, r.down.next = false, r.Now()
		}
		if a != nil || j.Exhausted {
			continue
		}
		if wait, err := r.waits(j, jobs); err != nil {
			return err
		} else if wait {
			continue
		}
		if r.beyond = r.beyond || r.full(); r.beyond {
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
	for _, it := range r.withdraw(a) {
		delete(r.retrying, deferral{a.job.ID, it.to.Address})
		it.c.open--
	}
	r.advance(a)
	if r.known[a.job.ID] == a {
		delete(r.known, a.job.ID)
	}
}

// roomy tells whether it is worth to look for jobs that wait for a place.
func (r *Runner) roomy() bool {
	claiming := 0
	for _, a := range r.active {
		if a.more || r.PerDestination == 0 {
			claiming++
		}
	}
	return claiming <= maxActive/2 && !r.full()
}

// full tells whether no more jobs may be worked on: each holds its post in memory.
func (r *Runner) full() bool {
	claiming, held := 0, 0
	for _, a := range r.active {
		held += len(a.render.raw)
		if a.more || r.PerDestination == 0 { // one that only waits for slow destinations holds up nobody
			claiming++
		}
	}
	return claiming >= maxActive || held >= maxHeld
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
	return &active{job: j, behind: j.Cursor, stands: !j.Next.IsZero(),
		render: &renderer{addresses: r.Addresses, webURL: r.WebURL, stamp: r.Stamp, list: l, job: j, raw: raw, now: r.Now, link: r.Attachment}}, nil
}

// next makes the next task: deferrals that are due, then the jobs in turns. nil when there is nothing to do.
func (r *Runner) next() (*task, error) {
	now := r.Now()
	if r.down.is() && (now.Before(r.down.next) || r.flying > 0) {
		return nil, r.expire(now)
	}
	if !r.due.IsZero() && !now.Before(r.due) {
		if err := r.retries(now); err != nil { // posts that were never tried need not wait for it
			r.Log.Error("deferred mail stands still", "cause", err)
			r.due = now.Add(longestSleep)
		}
	}
	for _, a := range slices.Clone(r.active) { // each has something waiting, so that all get their turns
		if err := r.claim(a, now); err != nil {
			return nil, err
		}
	}
	r.stray(now)
	r.shed(now)
	for {
		if t := r.pick(now); t != nil {
			return t, nil
		}
		before := r.waiting
		for _, a := range slices.Clone(r.active) { // what waits cannot go now: others may be behind it
			if len(a.claims) >= maxClaims || r.waiting >= maxWaiting || r.PerDestination == 0 {
				continue
			}
			if err := r.claimMore(a, now); err != nil {
				return nil, err
			}
		}
		if r.waiting == before {
			return nil, nil
		}
	}
}

// claim claims recipients of a job of which none wait.
func (r *Runner) claim(a *active, now time.Time) error {
	for a.more && a.waiting == 0 && len(a.claims) < maxClaims {
		if err := r.claimMore(a, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) claimMore(a *active, now time.Time) error {
	if !a.more {
		return nil
	}
	rs, last, more, err := r.Store.Claim(a.job, a.behind, claimSize, now)
	if err != nil {
		return err
	}
	a.behind, a.more = last, more
	c := &claim{a: a, last: last, exhausted: !more, open: len(rs), began: now}
	a.claims = append(a.claims, c)
	if len(rs) == 0 {
		r.advance(a)
	}
	r.enqueue(c, rs, now)
	return nil
}

// retries claims the deferrals that are due, by job.
func (r *Runner) retries(now time.Time) error {
	if r.waiting >= maxWaiting {
		r.due = now.Add(settleEvery)
		return nil
	}
	ds, next, err := r.Store.Due(now, dueSize, func(job uint64, to store.Address) bool { return r.retrying[deferral{job, to}] })
	if err != nil {
		return err
	}
	r.due = next
	byJob := map[uint64]*claim{}
	for _, d := range ds {
		c, met := byJob[d.Job]
		if !met {
			if r.full() && len(r.active) >= 2*maxActive {
				r.due = now.Add(settleEvery)
				continue
			}
			if c, err = r.retryClaim(d.Job); err != nil { // one that cannot be read does not hold up the others
				r.Log.Error("deferred mail is left out", "job", d.Job, "cause", err)
			}
			byJob[d.Job] = c
		}
		r.retrying[deferral{d.Job, d.Recipient}] = true
		if c != nil {
			r.retry(c, d, now)
		}
	}
	for _, c := range byJob {
		if c != nil {
			r.advance(c.a) // all may have left
		}
	}
	return nil
}

// retry lets one deferral wait for its turn.
func (r *Runner) retry(c *claim, d store.Deferral, now time.Time) {
	m, gone, err := r.member(d)
	if err != nil {
		r.Log.Error("deferred mail is left out", "job", d.Job, "recipient", d.Recipient, "cause", err)
		return
	}
	if gone {
		c.settlement.Done = append(c.settlement.Done, d.Recipient)
		return
	}
	c.open++
	r.enqueue(c, []store.Recipient{{Member: d.Member, Address: d.Recipient, Mailbox: d.Mailbox, Attempts: d.Attempts, Since: d.Since,
		Links: m.Attachments == "link"}}, now)
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
	a.strays = []*claim{c}
	r.active = append(r.active, a)
	return c, nil
}
