package store

import (
	"slices"
	"time"
)

// maxHistory bounds the switches that are kept of a member.
const maxHistory = 16

// digestMode tells whether members of a mode get digests.
func (d Delivery) digestMode() bool {
	return d == DeliverDigest || d == DeliverDigestText || d == DeliverIndex
}

// modeAt is the mode by which a post goes to a member.
func (m *Member) modeAt(number uint64) Delivery {
	for _, s := range m.History {
		if number <= s.Upto {
			return s.Delivery
		}
	}
	return m.Delivery
}

// digestAt is the kind of the list's digests in which a post goes to a member; empty: in none.
func (m *Member) digestAt(number uint64) Delivery {
	mode := m.Delivery
	for _, s := range m.History {
		if number <= s.Upto {
			if mode = s.Delivery; s.Owed != 0 && number >= s.Owed {
				return ""
			}
			break
		}
	}
	if !mode.digestMode() {
		return ""
	}
	return mode
}

// digestFrom is the post behind which a digest up to a post begins for a member: that of the digest before, or the last one that came
// in another way.
func (m *Member) digestFrom(base, upto uint64) uint64 {
	for _, s := range m.History {
		if s.Upto < upto && (!s.Delivery.digestMode() || s.Owed != 0) {
			base = max(base, s.Upto)
		}
	}
	return base
}

// stopped tells whether delivery to a member is stopped, for a time or because mail came back.
func (m *Member) stopped(now time.Time) bool {
	return m.Until.After(now) || !m.Failure.Suspended.IsZero()
}

// Values of Member.Attachments.
const (
	keepAttachments = "keep"
	linkAttachments = "link"
)

func (m *Member) links() bool { return m.Attachments == linkAttachments }

// leavesDigest tells whether a change ends the digests of a member, be it for a time.
func leavesDigest(old, m Member) bool {
	pauses := m.Until.After(old.Until) || !m.Failure.Suspended.IsZero() && old.Failure.Suspended.IsZero()
	return old.Delivery.digestMode() && (pauses || !m.Delivery.digestMode())
}

// switchDelivery keeps what a change must not change: how earlier posts went, and what waits for a digest. That comes in a digest of the
// member's own when the digests end or pause, and by the new mode when that is one too.
func switchDelivery(tx Tx, old Member, m *Member) error {
	leaves := leavesDigest(old, *m)
	if !leaves && m.Delivery == old.Delivery {
		return nil
	}
	log, err := getLog(tx, m.List)
	if err != nil {
		return err
	}
	state, err := digestState(tx, m.List)
	if err != nil {
		return err
	}
	from := old.digestFrom(state.Reached, log.Last+1)
	s := Switch{Upto: log.Last, Delivery: old.Delivery}
	switch {
	case leaves && from < log.Last:
		s.Owed = from + 1
		o := Owed{List: m.List, Address: m.Address, Mode: old.Delivery, From: from, Upto: log.Last}
		if err := put(tx, o.key(), o); err != nil {
			return err
		}
	case !leaves && old.Delivery.digestMode():
		s.Upto = from
	}
	if n := len(old.History); s.Upto > 0 && (n == 0 || old.History[n-1].Upto < s.Upto) {
		m.History = append(slices.Clone(old.History), s)
		m.History = m.History[max(0, len(m.History)-maxHistory):]
	}
	state.Changes++
	return put(tx, key(tDigest, m.List), state)
}
