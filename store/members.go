package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"
)

// MemberID is derived from the site key, list and address: it needs no row and is the same again after rejoining, so
// that a token made from it works for years.
func (s *Store) MemberID(list uint64, a Address) uint64 {
	mac := hmac.New(sha256.New, s.Key("member"))
	mac.Write(key('x', list, a))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}

// NewMember has the default options. The mailbox must be a mail address.
func (s *Store) NewMember(list uint64, mailbox string, now time.Time) (Member, error) {
	a, err := ParseAddress(mailbox)
	if err != nil {
		return Member{}, fmt.Errorf("%q: %w", mailbox, err)
	}
	m := Member{ID: s.MemberID(list, a), List: list, Address: a, Mailbox: mailbox, Joined: now.UTC()}
	defaults(memberSettings, &m)
	return m, nil
}

// AddMember adds one member. ErrExists.
func (s *Store) AddMember(m Member, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		added, err := addMember(tx, m)
		if err == nil && !added {
			err = fmt.Errorf("member %s: %w", m.Address, ErrExists)
		}
		return err
	})
}

const memberBatch = 1000

// AddMembers adds many in bounded transactions; those who are members already are left alone.
func (s *Store) AddMembers(ms []Member) (added int, err error) {
	for len(ms) > 0 {
		batch := ms[:min(memberBatch, len(ms))]
		ms = ms[len(batch):]
		n := 0
		err := s.engine.Update(func(tx Tx) error {
			n = 0
			for _, m := range batch {
				ok, err := addMember(tx, m)
				if err != nil {
					return err
				}
				if ok {
					n++
				}
			}
			return nil
		})
		if err != nil {
			return added, err
		}
		added += n
	}
	return added, nil
}

func addMember(tx Tx, m Member) (bool, error) {
	row := key(tMember, m.List, m.Address)
	if tx.Get(row) != nil {
		return false, nil
	}
	if err := inboxJoin(tx, m.Address, m.List); err != nil {
		return false, err
	}
	log, err := getLog(tx, m.List)
	if err != nil {
		return false, err
	}
	if log.Last > 0 {
		m.History = []Switch{{Upto: log.Last, Delivery: DeliverNone}}
	}
	if err := tx.Put(key(tMembership, terminated(string(m.Address)), m.List), present); err != nil {
		return false, err
	}
	if err := tx.Put(key(tMemberID, m.ID), key(tMember, m.List, m.Address)); err != nil {
		return false, err
	}
	if _, err := count(tx, key(tMemberCount, m.List), 1); err != nil {
		return false, err
	}
	return true, put(tx, row, m)
}

func removeMember(tx Tx, m Member) error {
	if err := inboxLeave(tx, m.Address, m.List); err != nil {
		return err
	}
	for _, k := range [][]byte{key(tMember, m.List, m.Address), key(tMemberID, m.ID), key(tSuspended, m.List, m.Address),
		key(tMembership, terminated(string(m.Address)), m.List)} {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	if err := forgetOwed(tx, m.List, m.Address); err != nil {
		return err
	}
	_, err := count(tx, key(tMemberCount, m.List), -1)
	return err
}

// Member finds a member by address. ErrNotFound.
func (s *Store) Member(list uint64, a Address) (m Member, err error) {
	err = s.engine.View(func(tx Tx) error {
		m, err = get[Member](tx, key(tMember, list, a))
		return err
	})
	return m, err
}

// MemberByID finds a member by MemberID. ErrNotFound.
func (s *Store) MemberByID(id uint64) (m Member, err error) {
	err = s.engine.View(func(tx Tx) error {
		row := tx.Get(key(tMemberID, id))
		if row == nil {
			return ErrNotFound
		}
		m, err = get[Member](tx, row)
		return err
	})
	return m, err
}

// UpdateMember runs change on the stored member and keeps the result; ID, list and address stay. ErrNotFound.
func (s *Store) UpdateMember(list uint64, a Address, change func(*Member) error) (m Member, err error) {
	err = s.engine.Update(func(tx Tx) error {
		m, err = updateMember(tx, key(tMember, list, a), change)
		return err
	})
	s.notify(topic{kind: 'd'}) // a digest may be owed
	return m, err
}

func updateMember(tx Tx, row []byte, change func(*Member) error) (Member, error) {
	m, err := get[Member](tx, row)
	if err != nil {
		return m, err
	}
	old := m
	if err := change(&m); err != nil {
		return m, err
	}
	m.ID, m.List, m.Address, m.History = old.ID, old.List, old.Address, old.History
	if err := switchDelivery(tx, old, &m); err != nil {
		return m, err
	}
	if suspended := !m.Failure.Suspended.IsZero(); suspended == old.Failure.Suspended.IsZero() {
		index := key(tSuspended, m.List, m.Address)
		if err = tx.Delete(index); suspended {
			err = tx.Put(index, present)
		}
		if err != nil {
			return m, err
		}
	}
	return m, put(tx, row, m)
}

// RemoveMember ends a membership. ErrNotFound.
func (s *Store) RemoveMember(list uint64, a Address, letters ...Letter) error {
	err := s.updateAndTell(letters, func(tx Tx) error {
		m, err := get[Member](tx, key(tMember, list, a))
		if err != nil {
			return fmt.Errorf("member %s: %w", a, err)
		}
		return removeMember(tx, m)
	})
	s.postsChanged(list) // who left may not read on
	return err
}

// members reads up to n members behind an address; one whose row is damaged is left out.
func members(tx Tx, list uint64, behind Address, n int) (ms []Member, err error) {
	from := key(tMember, list)
	if behind != "" {
		from = append(key(tMember, list, behind), 0)
	}
	for _, b := range readable(tx, from, after(key(tMember, list))) {
		if len(ms) == n {
			break
		}
		var m Member
		if err := decode(b, &m); err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// Members yields the members behind an address (empty: all) in the order of their addresses, read in batches.
func (s *Store) Members(list uint64, behind Address) iter.Seq2[Member, error] {
	return batches(memberBatch, func(n int) (ms []Member, err error) {
		err = s.engine.View(func(tx Tx) error {
			ms, err = members(tx, list, behind, n)
			return err
		})
		if len(ms) > 0 {
			behind = ms[len(ms)-1].Address
		}
		return ms, err
	})
}

// batches yields what next reads, n at a time, until a batch is not full: no transaction is open while the caller works.
func batches[T any](n int, next func(n int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			batch, err := next(n)
			for _, v := range batch {
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if len(batch) < n {
				return
			}
		}
	}
}

// CountMembers is read from a counter.
func (s *Store) CountMembers(list uint64) (n int, err error) {
	err = s.engine.View(func(tx Tx) error {
		n = int(lastNumber(tx.Get(key(tMemberCount, list))))
		return nil
	})
	return n, err
}

// MembershipsOf an address, on every list.
func (s *Store) MembershipsOf(a Address) (ms []Member, err error) {
	err = s.engine.View(func(tx Tx) error {
		ms, err = memberships(tx, a)
		return err
	})
	return ms, err
}

func memberships(tx Tx, a Address) (ms []Member, err error) {
	from := key(tMembership, terminated(string(a)))
	for k := range tx.Scan(from, after(from)) {
		m, err := getReadable[Member](tx, key(tMember, lastNumber(k), a))
		if errors.Is(err, ErrNotFound) || IsDamage(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}
