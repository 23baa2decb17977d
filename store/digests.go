package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DigestState says how far the digests of a list have come.
type DigestState struct {
	Reached uint64 `cbor:"1,keyasint,omitempty"` // last post that was in one
	Issue   int    `cbor:"2,keyasint,omitempty"` // number of the last one
	Changes int    `cbor:"3,keyasint,omitempty"` // of members' modes, so that MakeDigests notices one
}

// Owed is the last digest of a member whose digests ended or pause: the posts behind From up to Upto.
type Owed struct {
	List    uint64   `cbor:"1,keyasint,omitempty"`
	Address Address  `cbor:"2,keyasint,omitempty"`
	Mode    Delivery `cbor:"3,keyasint,omitempty"`
	From    uint64   `cbor:"4,keyasint,omitempty"`
	Upto    uint64   `cbor:"5,keyasint,omitempty"`
	Links   bool     `cbor:"-"` // as DigestsOwed found the member
}

func (o Owed) key() []byte { return key(tOwed, o.List, terminated(string(o.Address)), o.Upto) }

func (o Owed) covers(number uint64) bool { return o.From < number && number <= o.Upto }

func digestState(tx Tx, list uint64) (DigestState, error) {
	d, err := get[DigestState](tx, key(tDigest, list))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return d, err
}

// DigestState of a list.
func (s *Store) DigestState(list uint64) (d DigestState, err error) {
	err = s.engine.View(func(tx Tx) error {
		d, err = digestState(tx, list)
		return err
	})
	return d, err
}

// Digest is one mail of a digest, for those members of a mode for whom it begins behind the same post.
type Digest struct {
	Mode       Delivery
	From, Upto uint64
	Links      bool // for members who want links in place of attachments, in a digest that has attachments
	Members    int
	Raw        []byte // empty: all its posts are gone, and no mail is needed
}

// DigestPlan is what a digest up to a post has to make.
type DigestPlan struct {
	State   DigestState
	Upto    uint64
	Digests []Digest // without Raw
}

// choice of attachments that a digest is for; all of a mode get the same when all have chosen the same, even if one changes it at the last
// moment.
func (p DigestPlan) choice(d Digest) string {
	both := slices.ContainsFunc(p.Digests, func(x Digest) bool { return x.Mode == d.Mode && x.From == d.From && x.Links != d.Links })
	switch {
	case !both:
		return ""
	case d.Links:
		return linkAttachments
	}
	return keepAttachments
}

// PlanDigest reads which mails a digest up to a post makes. It reads the roster.
func (s *Store) PlanDigest(list, upto uint64, now time.Time) (p DigestPlan, err error) {
	p.Upto = upto
	if p.State, err = s.DigestState(list); err != nil || p.State.Reached >= upto {
		return p, err
	}
	for m, err := range s.Members(list, "") {
		if err != nil {
			return p, err
		}
		mode, from := m.digestAt(upto), m.digestFrom(p.State.Reached, upto)
		if mode == "" || m.stopped(now) {
			continue
		}
		d := Digest{Mode: mode, From: from, Upto: upto, Links: mode == DeliverDigest && m.links()}
		at := slices.IndexFunc(p.Digests, func(x Digest) bool { return x.Mode == mode && x.From == from && x.Links == d.Links })
		if at < 0 {
			at = len(p.Digests)
			p.Digests = append(p.Digests, d)
		}
		p.Digests[at].Members++
	}
	return p, nil
}

// MakeDigests queues the mails of a plan in one commit, and the posts in them are done with. ErrConflict when a member's mode or the state
// changed since the plan was made: make it anew. ErrNotFound when the list is gone.
func (s *Store) MakeDigests(ctx context.Context, list uint64, plan DigestPlan, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mails := slices.DeleteFunc(slices.Clone(plan.Digests), func(d Digest) bool { return len(d.Raw) == 0 })
	chunks := make([][][]byte, len(mails))
	for i, d := range mails {
		chunks[i] = compress(d.Raw)
	}
	err := s.engine.Update(func(tx Tx) error {
		if tx.Get(key(tList, list)) == nil {
			return ErrNotFound
		}
		state, err := digestState(tx, list)
		if err != nil {
			return err
		}
		if state != plan.State || plan.Upto <= state.Reached {
			return ErrConflict
		}
		for i, d := range mails {
			j := Job{List: list, Created: now.UTC(), Digest: d.Mode, Base: state.Reached, From: d.From, Upto: d.Upto, Links: plan.choice(d)}
			if err := addMail(tx, j, chunks[i]); err != nil {
				return err
			}
		}
		if len(mails) > 0 {
			state.Issue++
		}
		before := state.Reached
		state.Reached = plan.Upto
		if err := put(tx, key(tDigest, list), state); err != nil {
			return err
		}
		return dropDigested(tx, list, before, plan.Upto)
	})
	if err != nil {
		return fmt.Errorf("make digests: %w", err)
	}
	if len(mails) > 0 {
		s.notify(topic{kind: 'o'})
	}
	return nil
}

func addMail(tx Tx, j Job, chunks [][]byte) error {
	j, err := addJob(tx, j)
	if err != nil {
		return err
	}
	return putChunks(tx, key(tJobRaw, j.ID), chunks)
}

// DigestsOwed are the last digests of members who can get them now. A member who has chosen another kind of digest since gets that.
func (s *Store) DigestsOwed(list uint64, now time.Time) (owed []Owed, err error) {
	err = s.engine.View(func(tx Tx) error {
		all, err := scanAll[Owed](tx, key(tOwed, list), nil)
		owed = nil
		for _, o := range all {
			m, err := get[Member](tx, key(tMember, list, o.Address))
			if errors.Is(err, ErrNotFound) || err == nil && m.stopped(now) {
				continue
			}
			if err != nil {
				return err
			}
			if o.Links = m.links(); m.Delivery.digestMode() {
				o.Mode = m.Delivery
			}
			owed = append(owed, o)
		}
		return err
	})
	return owed, err
}

// MakeOwed queues the part of an owed digest up to a post. Without bytes it makes no mail, for the posts are gone. ErrConflict when it is not
// owed like this any more.
func (s *Store) MakeOwed(ctx context.Context, o Owed, upto uint64, raw []byte, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	chunks := compress(raw)
	err := s.engine.Update(func(tx Tx) error {
		row, err := get[Owed](tx, o.key())
		if errors.Is(err, ErrNotFound) || err == nil && row.From != o.From {
			return ErrConflict
		}
		if err != nil {
			return err
		}
		if len(raw) > 0 {
			j := Job{List: o.List, Created: now.UTC(), Digest: o.Mode, From: o.From, Upto: upto, To: []Address{o.Address}}
			if err := addMail(tx, j, chunks); err != nil {
				return err
			}
		}
		if row.From = upto; upto < o.Upto {
			err = put(tx, row.key(), row)
		} else {
			err = tx.Delete(row.key())
		}
		if err != nil {
			return err
		}
		return dropOwed(tx, o.List, o.From, upto)
	})
	if err != nil {
		return fmt.Errorf("make last digest: %w", err)
	}
	s.notify(topic{kind: 'o'})
	return nil
}

// forgetOwed of a member who is one no longer.
func forgetOwed(tx Tx, list uint64, a Address) error {
	owed, err := scanAll[Owed](tx, key(tOwed, list, terminated(string(a))), nil)
	if err != nil {
		return err
	}
	for _, o := range owed {
		if err := tx.Delete(o.key()); err != nil {
			return err
		}
		if err := dropOwed(tx, list, o.From, o.Upto); err != nil {
			return err
		}
	}
	return nil
}

// moveOwed gives what is owed to a member to the address to which that one changes.
func moveOwed(tx Tx, list uint64, from, to Address) error {
	owed, err := scanAll[Owed](tx, key(tOwed, list, terminated(string(from))), nil)
	if err != nil {
		return err
	}
	for _, o := range owed {
		if err := tx.Delete(o.key()); err != nil {
			return err
		}
		o.Address = to
		if err := put(tx, o.key(), o); err != nil {
			return err
		}
	}
	return nil
}

// dropOwed removes posts that were owed and that the digests of the list have passed, if nobody else needs them.
func dropOwed(tx Tx, list, behind, upto uint64) error {
	state, err := digestState(tx, list)
	if err != nil {
		return err
	}
	return dropDigested(tx, list, behind, min(upto, state.Reached))
}

// dropDigested removes the posts of a list that keeps no archive, and those that are not archived, but for those that are still being delivered or owed. Imports stay: they
// were never to be delivered.
func dropDigested(tx Tx, list, behind, upto uint64) error {
	l, err := get[List](tx, key(tList, list))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	needed, err := isNeeded(tx, list)
	if err != nil {
		return err
	}
	if err := dropSentOf(tx, list, behind, upto, needed); err != nil || l.Archive != "off" {
		return err
	}
	for n := behind + 1; n <= upto; n++ {
		p, err := get[Post](tx, key(tPost, list, n))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if p.Quiet || needed(n) {
			continue
		}
		if err := removePost(tx, list, n); err != nil {
			return err
		}
	}
	return nil
}

// digestWaits tells whether a post of a list is still to come to somebody in a digest.
func digestWaits(tx Tx, list, number uint64) (bool, error) {
	owed, err := scanAll(tx, key(tOwed, list), func(o Owed) bool { return o.covers(number) })
	if err != nil || len(owed) > 0 {
		return len(owed) > 0, err
	}
	state, err := digestState(tx, list)
	if err != nil || number <= state.Reached {
		return false, err
	}
	prefix := key(tMember, list)
	for _, b := range tx.Scan(prefix, after(prefix)) {
		var m Member
		if err := decode(b, &m); err != nil {
			return false, err
		}
		if m.digestAt(number) != "" {
			return true, nil
		}
	}
	return false, nil
}

// DigestWaiting says what waits for the digests of a list.
type DigestWaiting struct {
	State DigestState
	Idle  uint64 // the posts behind State.Reached up to this one go in no digest
	First Post   // that waits; its Number is 0 when none does
	Bytes int64  // of all that wait, as far as they were counted
}

// DigestWaiting reads posts that wait until it has counted enough bytes.
func (s *Store) DigestWaiting(list uint64, enough int64) (w DigestWaiting, err error) {
	if w.State, err = s.DigestState(list); err != nil {
		return w, err
	}
	w.Idle = w.State.Reached
	log, err := s.Log(list)
	if err != nil || log.Last <= w.State.Reached {
		return w, err
	}
	for p, err := range s.Posts(list, w.State.Reached+1, log.Last) {
		if err == nil {
			p, err = s.distributed(p)
		}
		switch {
		case err != nil:
			return w, err
		case p.Removed || p.Quiet:
			if w.First.Number == 0 {
				w.Idle = p.Number
			}
			continue
		case w.First.Number == 0:
			w.First = p
		}
		if w.Bytes += p.Size; w.Bytes >= enough {
			break
		}
	}
	return w, nil
}
