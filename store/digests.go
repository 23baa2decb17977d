package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxHistory bounds the switches that are kept of a member.
const maxHistory = 16

// digestMode tells whether members of a mode get digests.
func (d Delivery) digestMode() bool {
	return d == DeliverDigest || d == DeliverDigestText || d == DeliverIndex
}

// modeAt is the mode by which a member gets a post.
func (m *Member) modeAt(number uint64) Delivery {
	for _, s := range m.History {
		if number <= s.Upto {
			return s.Delivery
		}
	}
	return m.Delivery
}

// digestFrom is the post behind which a digest up to a post begins for a member: that of the digest before, or the last one that came
// by another mode.
func (m *Member) digestFrom(base, upto uint64) uint64 {
	for _, s := range m.History {
		if !s.Delivery.digestMode() && s.Upto < upto {
			base = max(base, s.Upto)
		}
	}
	return base
}

// DigestState says how far the digests of a list have come.
type DigestState struct {
	Reached uint64 `cbor:"1,keyasint,omitempty"` // last post that was in one
	Issue   int    `cbor:"2,keyasint,omitempty"` // number of the last one
	Changes int    `cbor:"3,keyasint,omitempty"` // of members' modes, so that MakeDigests notices one
}

// Owed is the last digest of a member who has left that mode: the posts behind From up to Upto.
type Owed struct {
	List    uint64   `cbor:"1,keyasint,omitempty"`
	Address Address  `cbor:"2,keyasint,omitempty"`
	Mode    Delivery `cbor:"3,keyasint,omitempty"`
	From    uint64   `cbor:"4,keyasint,omitempty"`
	Upto    uint64   `cbor:"5,keyasint,omitempty"`
}

func digestState(tx Tx, list uint64) (DigestState, error) {
	d, err := get[DigestState](tx, key(tDigest, list))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return d, err
}

// switchDelivery keeps what a change of the mode must not change: how earlier posts went, and what is owed of a digest.
func switchDelivery(tx Tx, m *Member, old Delivery) error {
	log, err := getLog(tx, m.List)
	if err != nil {
		return err
	}
	state, err := digestState(tx, m.List)
	if err != nil {
		return err
	}
	if from := m.digestFrom(state.Reached, log.Last); old.digestMode() && !m.Delivery.digestMode() && from < log.Last {
		o := Owed{m.List, m.Address, old, from, log.Last}
		if err := put(tx, key(tOwed, m.List, terminated(string(m.Address)), log.Last), o); err != nil {
			return err
		}
	}
	if n := len(m.History); log.Last > 0 && (n == 0 || m.History[n-1].Upto < log.Last) {
		m.History = append(slices.Clone(m.History), Switch{log.Last, old})
		m.History = m.History[max(0, len(m.History)-maxHistory):]
	}
	state.Changes++
	return put(tx, key(tDigest, m.List), state)
}

// digestWaits tells whether a post of a list is still to come to somebody in a digest.
func digestWaits(tx Tx, list, number uint64) (bool, error) {
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
		if m.modeAt(number).digestMode() {
			return true, nil
		}
	}
	return false, nil
}

// Digest is one mail of a digest, for those members of a mode for whom it begins behind the same post, or for one who left the mode.
type Digest struct {
	Mode       Delivery
	From, Upto uint64
	To         Address // of one who left; empty: for the members
	Raw        []byte
}

// DigestPlan is what a digest up to the newest post would have to make.
type DigestPlan struct {
	State  DigestState
	Upto   uint64
	Groups []Digest // without Raw: the kinds of mail that members wait for
	Owed   []Digest // without Raw
}

// PlanDigest reads who waits for which posts. It reads the roster.
func (s *Store) PlanDigest(list uint64, now time.Time) (p DigestPlan, err error) {
	var log Log
	err = s.engine.View(func(tx Tx) (err error) {
		if p.State, err = digestState(tx, list); err != nil {
			return err
		}
		if log, err = getLog(tx, list); err != nil {
			return err
		}
		owed, err := scanAll[Owed](tx, key(tOwed, list), nil)
		p.Owed = nil
		for _, o := range owed {
			p.Owed = append(p.Owed, Digest{Mode: o.Mode, From: o.From, Upto: o.Upto, To: o.Address})
		}
		return err
	})
	p.Upto = log.Last
	if err != nil || p.Upto == p.State.Reached {
		return p, err
	}
	for m, err := range s.Members(list, "") {
		if err != nil {
			return p, err
		}
		mode := m.modeAt(p.Upto)
		from := m.digestFrom(p.State.Reached, p.Upto)
		if !mode.digestMode() || from >= p.Upto || m.Until.After(now) || !m.Failure.Suspended.IsZero() {
			continue
		}
		g := Digest{Mode: mode, From: from, Upto: p.Upto}
		if !slices.ContainsFunc(p.Groups, func(x Digest) bool { return x.Mode == g.Mode && x.From == g.From }) {
			p.Groups = append(p.Groups, g)
		}
	}
	return p, nil
}

// CountDigest counts the members that a digest goes to.
func (s *Store) CountDigest(list, base uint64, d Digest, now time.Time) (n int, err error) {
	if d.To != "" {
		return 1, nil
	}
	j := Job{List: list, Created: now, Digest: d.Mode, Base: base, From: d.From, Upto: d.Upto}
	for m, err := range s.Members(list, "") {
		if err != nil {
			return n, err
		}
		if m.wants(j, now) {
			n++
		}
	}
	return n, nil
}

// DigestsOwed tells whether anybody who left a digest mode waits for the last digest.
func (s *Store) DigestsOwed(list uint64) (owed bool, err error) {
	err = s.engine.View(func(tx Tx) error {
		owed = false
		for range tx.Scan(key(tOwed, list), after(key(tOwed, list))) {
			owed = true
			break
		}
		return nil
	})
	return owed, err
}

// DigestState of a list.
func (s *Store) DigestState(list uint64) (d DigestState, err error) {
	err = s.engine.View(func(tx Tx) error {
		d, err = digestState(tx, list)
		return err
	})
	return d, err
}

// MakeDigests queues the mails of a plan in one commit, and the posts in them are done with. all is false for those owed alone, which move
// nothing. ErrConflict when a member's mode or the state changed since the plan was made: make it anew.
func (s *Store) MakeDigests(ctx context.Context, list uint64, plan DigestPlan, all bool, made []Digest, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	chunks := make([][][]byte, len(made))
	for i, d := range made {
		chunks[i] = compress(d.Raw)
	}
	err := s.engine.Update(func(tx Tx) error {
		state, err := digestState(tx, list)
		if err != nil {
			return err
		}
		if state != plan.State {
			return ErrConflict
		}
		for i, d := range made {
			j := Job{List: list, Created: now.UTC(), Digest: d.Mode, Base: state.Reached, From: d.From, Upto: d.Upto}
			if d.To != "" {
				if err := tx.Delete(key(tOwed, list, terminated(string(d.To)), d.Upto)); err != nil {
					return err
				}
				j.To = []Address{d.To}
			}
			if len(d.Raw) == 0 {
				continue
			}
			if j, err = addJob(tx, j); err != nil {
				return err
			}
			if err := putChunks(tx, key(tJobRaw, j.ID), chunks[i]); err != nil {
				return err
			}
		}
		if len(made) > 0 {
			state.Issue++
		}
		if !all {
			return put(tx, key(tDigest, list), state)
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
	s.notify(topic{kind: 'o'})
	return nil
}

// dropDigested removes the posts of a list that keeps no archive, but for those that are still being delivered.
func dropDigested(tx Tx, list, behind, upto uint64) error {
	l, err := get[List](tx, key(tList, list))
	if err != nil || l.Archive != "off" {
		return err
	}
	jobs, err := scanAll(tx, key(tJob), func(j Job) bool { return j.List == list && j.Number != 0 })
	if err != nil {
		return err
	}
	for n := behind + 1; n <= upto; n++ {
		if slices.ContainsFunc(jobs, func(j Job) bool { return j.Number == n }) {
			continue
		}
		if err := removePost(tx, list, n); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// DigestFirst is the oldest post that waits for a digest of the list, and how many bytes wait in all; false when none does.
func (s *Store) DigestFirst(list uint64) (first Post, bytes int64, ok bool, err error) {
	state, err := s.DigestState(list)
	if err != nil {
		return first, 0, false, err
	}
	log, err := s.Log(list)
	if err != nil || log.Last <= state.Reached {
		return first, 0, false, err
	}
	for p, err := range s.Posts(list, state.Reached+1, log.Last) {
		if err != nil {
			return first, bytes, ok, err
		}
		if p.Removed || p.Quiet {
			continue
		}
		if !ok {
			first, ok = p, true
		}
		bytes += p.Size
	}
	return first, bytes, ok, nil
}
