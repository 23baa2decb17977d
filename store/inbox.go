package store

import (
	"cmp"
	"errors"
	"iter"
	"slices"
)

// An account's INBOX holds the posts of its lists under UIDs of its own. It costs no row a post: it is a few spans, each
// a run of UIDs. A span is either the posts of one list that were there when the account joined it, or the posts of
// all its lists while it stayed on just these.
type span struct {
	UID   uint64   `cbor:"1,keyasint,omitempty"` // of the first place
	From  uint64   `cbor:"2,keyasint,omitempty"` // place: Seq, or number when Block is set
	To    uint64   `cbor:"3,keyasint,omitempty"` // behind the last place; 0: still growing
	Block uint64   `cbor:"4,keyasint,omitempty"` // list
	Lists []uint64 `cbor:"5,keyasint,omitempty"`
}

type inbox struct {
	Spans []span `cbor:"1,keyasint"`
}

// InboxEntry is one post in an INBOX.
type InboxEntry struct {
	UID          uint32
	List, Number uint64
}

func siteSeq(tx Tx) uint64 { return lastNumber(tx.Get(seqCounter)) }

// openInbox reads the spans, or what they are for an account that was never asked for them: all posts of its lists in order of
// acceptance.
func openInbox(tx Tx, a Address) (in inbox, kept bool, err error) {
	in, err = get[inbox](tx, key(tInbox, a))
	if !errors.Is(err, ErrNotFound) {
		return in, true, err
	}
	ms, err := memberships(tx, a)
	s := span{UID: 1, From: 1}
	for _, m := range ms {
		s.Lists = append(s.Lists, m.List)
	}
	return inbox{[]span{s}}, false, err
}

// inboxJoin runs before the membership is written. It ends the growing span, shows what the list has already, and
// begins a span with the list.
func inboxJoin(tx Tx, a Address, list uint64) error {
	in, kept, err := openInbox(tx, a)
	if err != nil || !kept {
		return err
	}
	log, err := getLog(tx, list)
	if err != nil {
		return err
	}
	last := &in.Spans[len(in.Spans)-1]
	last.To = siteSeq(tx) + 1
	next := span{UID: last.UID + last.To - last.From, From: last.To, Lists: append(slices.Clone(last.Lists), list)}
	if last.To == last.From {
		in.Spans = in.Spans[:len(in.Spans)-1]
	}
	if log.Last > 0 {
		in.Spans = append(in.Spans, span{UID: next.UID, From: 1, To: log.Last + 1, Block: list})
		next.UID += log.Last
	}
	in.Spans = append(in.Spans, next)
	return put(tx, key(tInbox, a), in)
}

// inboxLeave runs before the membership is deleted. The UIDs of the list's posts are not used again.
func inboxLeave(tx Tx, a Address, list uint64) error {
	in, kept, err := openInbox(tx, a)
	if err != nil || !kept {
		return err
	}
	for i := range in.Spans {
		s := &in.Spans[i]
		s.Lists = slices.DeleteFunc(s.Lists, func(l uint64) bool { return l == list })
	}
	in.Spans = slices.DeleteFunc(in.Spans, func(s span) bool {
		return s.Block == list || s.Block == 0 && s.To != 0 && len(s.Lists) == 0
	})
	return put(tx, key(tInbox, a), in)
}

// InboxNext is the UIDNEXT of the account's INBOX. Asking for it fixes the UIDs for ever.
func (s *Store) InboxNext(account Address) (next uint32, err error) {
	read := func(tx Tx, write bool) error {
		in, kept, err := openInbox(tx, account)
		if err != nil {
			return err
		}
		last := in.Spans[len(in.Spans)-1]
		next = uint32(last.UID + siteSeq(tx) + 1 - last.From)
		if kept {
			return nil
		}
		if !write {
			return ErrNotFound
		}
		return put(tx, key(tInbox, account), in)
	}
	err = s.engine.View(func(tx Tx) error { return read(tx, false) })
	if errors.Is(err, ErrNotFound) {
		err = s.engine.Update(func(tx Tx) error { return read(tx, true) })
	}
	return next, err
}

// Inbox yields the posts of the account's lists, removed ones left out, in UID order from a UID on. A post keeps its UID; posts of a
// list that is joined later get UIDs above all others; after leaving a list its entries are gone.
func (s *Store) Inbox(account Address, from uint32) iter.Seq2[InboxEntry, error] {
	return func(yield func(InboxEntry, error) bool) {
		if _, err := s.InboxNext(account); err != nil {
			yield(InboxEntry{}, err)
			return
		}
		var in inbox
		var seq uint64
		err := s.engine.View(func(tx Tx) (err error) {
			in, _, err = openInbox(tx, account)
			seq = siteSeq(tx)
			return err
		})
		if err != nil {
			yield(InboxEntry{}, err)
			return
		}
		for _, sp := range in.Spans {
			if sp.To == 0 {
				sp.To = seq + 1
			}
			if sp.UID+sp.To-sp.From <= uint64(from) {
				continue
			}
			if skip := int64(from) - int64(sp.UID); skip > 0 {
				sp.UID, sp.From = uint64(from), sp.From+uint64(skip)
			}
			entries, err := s.spanEntries(sp)
			if err != nil {
				yield(InboxEntry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) spanEntries(sp span) (es []InboxEntry, err error) {
	if sp.Block != 0 {
		removed, err := s.Removed(sp.Block)
		for n := sp.From; n < sp.To; n++ {
			if _, gone := slices.BinarySearch(removed, n); !gone {
				es = append(es, InboxEntry{uint32(sp.UID + n - sp.From), sp.Block, n})
			}
		}
		return es, err
	}
	for _, list := range sp.Lists {
		err = errors.Join(err, s.engine.View(func(tx Tx) error {
			for _, pair := range sequences(tx, list, sp.From, sp.To) {
				es = append(es, InboxEntry{uint32(sp.UID + pair[0] - sp.From), list, pair[1]})
			}
			return nil
		}))
	}
	slices.SortFunc(es, func(a, b InboxEntry) int { return cmp.Compare(a.UID, b.UID) })
	return es, err
}
