package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Recipient of a copy.
type Recipient struct {
	Member   uint64 // member ID; 0 for a mail of its own
	Address  Address
	Mailbox  string
	Attempts int       // earlier ones, for a deferral
	Since    time.Time // first attempt, for a deferral
	Links    bool      // wants links in place of attachments
}

// Settlement writes the fates of claimed recipients; a delivered one needs nothing but the cursor's move.
type Settlement struct {
	Job       uint64
	Cursor    Address      // members up to here are settled; empty: unchanged
	Exhausted bool         // no member follows Cursor
	Deferred  []Deferral   // new or again
	Done      []Address    // recipients with a deferral that are delivered, failed or gone
	Failed    []FailedCopy // permanent: recorded at the member
	Whole     *Wait        // the whole job waits from now on (relay down); its zero value ends the wait; nil: unchanged
}

// Wait is why and until when a whole job waits.
type Wait struct {
	Attempts int
	Next     time.Time
	Answer   string
}

// FailedCopy is a copy that a remote refused for good, or that was tried for too long.
type FailedCopy struct {
	Member    uint64
	Permanent bool // nothing else sent there will arrive either; false: another message may
	Recipient Address
	Answer    string
	At        time.Time
}

// Enqueue queues a mail of its own: raw is whole but for what delivery adds.
func (s *Store) Enqueue(ctx context.Context, j Job, raw []byte) (Job, error) {
	letters := []Letter{NewLetter(j, raw)}
	if err := s.Send(ctx, letters...); err != nil {
		return j, fmt.Errorf("queue mail: %w", err)
	}
	return letters[0].Job, nil
}

func addJob(tx Tx, j Job) (Job, error) {
	var err error
	if j.ID, err = count(tx, jobCounter, 1); err != nil {
		return j, err
	}
	slices.Sort(j.To)
	j.To = slices.Compact(j.To)
	if _, err := count(tx, key(tJobCount, j.List), 1); err != nil {
		return j, err
	}
	return j, put(tx, key(tJob, j.ID), j)
}

// Job finds a job that is not done. ErrNotFound.
func (s *Store) Job(id uint64) (j Job, err error) {
	err = s.engine.View(func(tx Tx) error {
		j, err = get[Job](tx, key(tJob, id))
		return err
	})
	return j, err
}

// JobRaw are the bytes to send: the post's or the mail's own.
func (s *Store) JobRaw(j Job) ([]byte, error) {
	if j.Number != 0 {
		return s.DistributedRaw(j.List, j.Number)
	}
	return s.readChunks(key(tJobRaw, j.ID))
}

// Jobs that are not done, oldest first; one whose row is damaged is left out.
func (s *Store) Jobs() (js []Job, err error) {
	err = s.engine.View(func(tx Tx) error {
		js, err = allReadable[Job](tx, key(tJob), nil)
		return err
	})
	return js, err
}

// wants tells whether a member gets the post or the digest of a job. A switch of the mode leaves what was accepted before it as it was.
func (m *Member) wants(j Job, now time.Time) bool {
	if m.stopped(now) || m.Joined.After(j.Created) {
		return false
	}
	if j.Digest != "" {
		return m.digestAt(j.Upto) == j.Digest && m.digestFrom(j.Base, j.Upto) == j.From && (j.Links == "" || m.links() == (j.Links == linkAttachments))
	}
	return m.modeAt(j.Number) == DeliverEach && (m.OwnPosts || m.Address != j.Author) && (!m.NoDuplicates || !slices.Contains(j.InHeader, m.Address))
}

// Claim reads recipients of a job behind an address (empty: behind the job's cursor): up to n members who want the post, or
// up to n of Job.To. last is where to go on, more tells whether any may follow. It writes nothing.
func (s *Store) Claim(j Job, behind Address, n int, now time.Time) (rs []Recipient, last Address, more bool, err error) {
	if last = max(behind, j.Cursor); j.Exhausted {
		return nil, last, false, nil
	}
	if len(j.To) > 0 || !j.ListMail() {
		for _, a := range j.To {
			if a > last && len(rs) < n {
				r := Recipient{Address: a, Mailbox: string(a)}
				if j.ListMail() {
					r.Member = s.MemberID(j.List, a)
				}
				rs = append(rs, r)
			}
		}
		if len(rs) > 0 {
			last = rs[len(rs)-1].Address
		}
		return rs, last, len(j.To) > 0 && last < j.To[len(j.To)-1], nil
	}
	var ms []Member
	err = s.engine.View(func(tx Tx) error {
		ms, err = members(tx, j.List, last, n)
		return err
	})
	for _, m := range ms {
		last = m.Address
		if m.wants(j, now) {
			rs = append(rs, Recipient{Member: m.ID, Address: m.Address, Mailbox: m.Mailbox, Links: m.Attachments == "link"})
		}
	}
	return rs, last, len(ms) == n, err
}

func dueKey(d Deferral) []byte {
	return key(tDue, uint64(max(0, d.Next.UnixMicro())), d.Job, d.Recipient)
}

// Due reads up to n deferrals whose time has come, but for those to skip, and when the next of the others is due (zero: none waits).
func (s *Store) Due(now time.Time, n int, skip func(job uint64, to Address) bool) (ds []Deferral, next time.Time, err error) {
	err = s.engine.View(func(tx Tx) error {
		for k := range tx.Scan(key(tDue), after(key(tDue))) {
			at := time.UnixMicro(int64(binary.BigEndian.Uint64(k[1:]))).UTC()
			if at.After(now) || len(ds) == n {
				next = at
				return nil
			}
			if skip(binary.BigEndian.Uint64(k[9:]), Address(k[17:])) {
				continue
			}
			d, err := getReadable[Deferral](tx, key(tDeferral, k[9:]))
			if errors.Is(err, ErrNotFound) || IsDamage(err) {
				continue
			}
			if err != nil {
				return err
			}
			ds = append(ds, d)
		}
		return nil
	})
	return ds, next, err
}

// Settle writes many settlements in one commit. A job that is exhausted with nothing waiting is deleted, and with it the
// bytes of a post whose list keeps no archive.
func (s *Store) Settle(ctx context.Context, ss []Settlement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.engine.Update(func(tx Tx) error {
		for _, st := range ss {
			if err := settle(tx, st); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle deliveries: %w", err)
	}
	return nil
}

func settle(tx Tx, st Settlement) error {
	for _, f := range st.Failed {
		if err := recordFailure(tx, f); err != nil {
			return err
		}
	}
	j, err := get[Job](tx, key(tJob, st.Job))
	if errors.Is(err, ErrNotFound) {
		return nil // dropped meanwhile
	}
	if err != nil {
		return err
	}
	j.Cursor = max(j.Cursor, st.Cursor)
	j.Exhausted = j.Exhausted || st.Exhausted
	if w := st.Whole; w != nil {
		j.Attempts, j.Next, j.LastAnswer = w.Attempts, w.Next, w.Answer
	}
	for _, d := range st.Deferred {
		if err := dropDeferral(tx, &j, d.Recipient); err != nil {
			return err
		}
		d.Job, d.List = j.ID, j.List
		if err := putDeferral(tx, &j, d); err != nil {
			return err
		}
	}
	for _, a := range st.Done {
		if err := dropDeferral(tx, &j, a); err != nil {
			return err
		}
	}
	if !j.Exhausted || j.Waiting > 0 {
		return put(tx, key(tJob, j.ID), j)
	}
	return endJob(tx, j)
}

func putDeferral(tx Tx, j *Job, d Deferral) error {
	j.Waiting++
	d.Next = d.Next.UTC().Truncate(time.Microsecond) // as it comes back, for the key is made from it again
	if err := tx.Put(dueKey(d), present); err != nil {
		return err
	}
	return put(tx, key(tDeferral, d.Job, d.Recipient), d)
}

func dropDeferral(tx Tx, j *Job, a Address) error {
	d, err := get[Deferral](tx, key(tDeferral, j.ID, a))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	j.Waiting--
	if err := tx.Delete(dueKey(d)); err != nil {
		return err
	}
	return tx.Delete(key(tDeferral, j.ID, a))
}

func recordFailure(tx Tx, f FailedCopy) error {
	row := tx.Get(key(tMemberID, f.Member))
	if f.Member == 0 || row == nil {
		return nil
	}
	m, err := get[Member](tx, row)
	if err != nil {
		return err
	}
	l, err := get[List](tx, key(tList, m.List))
	if errors.Is(err, ErrNotFound) { // the list is being removed
		return nil
	}
	if err != nil {
		return err
	}
	log, err := getLog(tx, m.List)
	if err != nil {
		return err
	}
	_, err = updateMember(tx, slices.Clone(row), func(m *Member) error {
		m.Failure.add(f, l.BounceThreshold, log.Last)
		return nil
	})
	return err
}

// RecordFailure records at the member what a delivery report says.
func (s *Store) RecordFailure(f FailedCopy) error {
	return s.engine.Update(func(tx Tx) error { return recordFailure(tx, f) })
}

func deferrals(tx Tx, job uint64) ([]Deferral, error) {
	prefix := key(tDeferral)
	if job != 0 {
		prefix = key(tDeferral, job)
	}
	return scanAll[Deferral](tx, prefix, nil)
}

// Deferrals of a job (0: of all), in the order of jobs and addresses.
func (s *Store) Deferrals(job uint64) (ds []Deferral, err error) {
	err = s.engine.View(func(tx Tx) error {
		ds, err = deferrals(tx, job)
		return err
	})
	return ds, err
}

// RetryNow makes a job (0: all) and its deferrals due now. ErrNotFound.
func (s *Store) RetryNow(job uint64, now time.Time) error {
	err := s.engine.Update(func(tx Tx) error {
		js, err := scanAll(tx, key(tJob), func(j Job) bool { return job == 0 || j.ID == job })
		if err == nil && job != 0 && len(js) == 0 {
			err = fmt.Errorf("job %d: %w", job, ErrNotFound)
		}
		if err != nil {
			return err
		}
		for _, j := range js {
			ds, err := deferrals(tx, j.ID)
			if err != nil {
				return err
			}
			for _, d := range ds {
				if err := dropDeferral(tx, &j, d.Recipient); err != nil {
					return err
				}
				d.Next = now.UTC()
				if err := putDeferral(tx, &j, d); err != nil {
					return err
				}
			}
			j.Next = time.Time{}
			if err := put(tx, key(tJob, j.ID), j); err != nil {
				return err
			}
		}
		return nil
	})
	s.notify(topic{kind: 'r'}, topic{kind: 'o'})
	return err
}

// DropJob gives up all that is not delivered of a job. ErrNotFound.
func (s *Store) DropJob(job uint64) error {
	return s.engine.Update(func(tx Tx) error {
		j, err := get[Job](tx, key(tJob, job))
		if err != nil {
			return fmt.Errorf("job %d: %w", job, err)
		}
		return endJob(tx, j)
	})
}

// endJob deletes a job, and with it the bytes of a post whose list keeps no archive.
func endJob(tx Tx, j Job) error {
	if err := deleteJob(tx, j); err != nil || j.Number == 0 {
		return err
	}
	if err := dropSent(tx, j.List, j.Number); err != nil {
		return err
	}
	if l, err := get[List](tx, key(tList, j.List)); err == nil && l.Archive == "off" {
		waits, err := digestWaits(tx, j.List, j.Number)
		if err != nil || waits {
			return err
		}
		return removePost(tx, j.List, j.Number)
	}
	return nil
}

func deleteJob(tx Tx, j Job) error {
	ds, err := deferrals(tx, j.ID)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if err := dropDeferral(tx, &j, d.Recipient); err != nil {
			return err
		}
	}
	if _, err := deleteRange(tx, key(tJobRaw, j.ID), everyChunk); err != nil {
		return err
	}
	if _, err := count(tx, key(tJobCount, j.List), -1); err != nil {
		return err
	}
	return tx.Delete(key(tJob, j.ID))
}

// CountJobs of a list that are not done, from a counter.
func (s *Store) CountJobs(list uint64) (n int, err error) {
	err = s.engine.View(func(tx Tx) error {
		n = int(lastNumber(tx.Get(key(tJobCount, list))))
		return nil
	})
	return n, err
}

// CountWaiting counts the recipients of a job that are neither settled nor deferred, by reading the rest of the roster.
func (s *Store) CountWaiting(j Job, now time.Time) (n int, err error) {
	for last, more := j.Cursor, true; more && err == nil; {
		var rs []Recipient
		rs, last, more, err = s.Claim(j, last, memberBatch, now)
		n += len(rs)
	}
	return n, err
}
