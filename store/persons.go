package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ChangeAddress moves the memberships, the account and its flags of one address to another, and keeps the old one as an alias. A list on
// which the new address is a member already keeps that membership. It returns how many memberships moved.
func (s *Store) ChangeAddress(from, to Address, mailbox string, now time.Time) (moved int, err error) {
	err = s.engine.Update(func(tx Tx) error {
		moved = 0
		ms, err := memberships(tx, from)
		if err != nil {
			return err
		}
		if err := errors.Join(moveAccount(tx, from, to), moveTrust(tx, from, to)); err != nil {
			return err
		}
		fresh := tx.Get(key(tInbox, to)) == nil
		if inbox := tx.Get(key(tInbox, from)); inbox != nil && fresh {
			if err := tx.Put(key(tInbox, to), bytes.Clone(inbox)); err != nil {
				return err
			}
		}
		for _, m := range ms {
			if err := s.moveMember(tx, m, to, mailbox, fresh, now); err != nil {
				return err
			}
			moved++
		}
		if err := tx.Delete(key(tInbox, from)); err != nil {
			return err
		}
		if err := tx.Delete(key(tAlias, to)); err != nil { // it is a main address again
			return err
		}
		return tx.Put(key(tAlias, from), []byte(to))
	})
	if err != nil {
		return 0, fmt.Errorf("change address: %w", err)
	}
	s.notify(topic{kind: 'o'})
	return moved, nil
}

func (s *Store) moveMember(tx Tx, m Member, to Address, mailbox string, fresh bool, now time.Time) error {
	old, suspended := m, !m.Failure.Suspended.IsZero()
	there, err := get[Member](tx, key(tMember, m.List, to))
	if errors.Is(err, ErrNotFound) {
		if err := moveOwed(tx, m.List, m.Address, to); err != nil {
			return err
		}
	}
	if err := removeMember(tx, m); err != nil {
		return err
	}
	if err == nil {
		if there.Role == RoleMember && m.Role != RoleMember { // who was an owner stays one
			there.Role = m.Role
			return put(tx, key(tMember, there.List, to), there)
		}
		return nil
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	m.Address, m.Mailbox, m.ID, m.Failure = to, mailbox, s.MemberID(m.List, to), Failure{}
	var kept []byte
	if fresh { // INBOX went as a whole
		kept = bytes.Clone(tx.Get(key(tInbox, to)))
	}
	if _, err := addMember(tx, m); err != nil {
		return err
	}
	if kept != nil {
		if err := tx.Put(key(tInbox, to), kept); err != nil {
			return err
		}
	}
	m.History = old.History
	if err := put(tx, key(tMember, m.List, to), m); err != nil || suspended {
		return err
	}
	return keepPlace(tx, old, m, now)
}

// keepPlace lets jobs that have passed the new address in the roster, but not the old one, still reach the member.
func keepPlace(tx Tx, old, m Member, now time.Time) error {
	jobs, err := scanAll(tx, key(tJob), func(j Job) bool { return j.List == m.List && j.ListMail() && !j.Exhausted })
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if len(j.To) > 0 { // a digest of the member's own
			if slices.Contains(j.To, old.Address) {
				j.To = []Address{m.Address}
				if err := put(tx, key(tJob, j.ID), j); err != nil {
					return err
				}
			}
			continue
		}
		if old.Address <= j.Cursor || m.Address > j.Cursor || !m.wants(j, now) {
			continue
		}
		d := Deferral{Job: j.ID, List: j.List, Recipient: m.Address, Mailbox: m.Mailbox, Member: m.ID, Since: now, Next: now, LastAnswer: "the address was changed"}
		if err := putDeferral(tx, &j, d); err != nil {
			return err
		}
		if err := put(tx, key(tJob, j.ID), j); err != nil {
			return err
		}
	}
	return nil
}

// moveAccount gives an account and its flags to another address, unless that has its own.
func moveAccount(tx Tx, from, to Address) error {
	acc, err := get[Account](tx, key(tAccount, from))
	if err == nil && tx.Get(key(tAccount, to)) == nil {
		acc.Address = to
		err = put(tx, key(tAccount, to), acc)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if names := tx.Get(key(tSubscription, from)); names != nil && tx.Get(key(tSubscription, to)) == nil {
		if err := tx.Put(key(tSubscription, to), bytes.Clone(names)); err != nil {
			return err
		}
	}
	type pair struct{ k, v []byte }
	var flags []pair
	prefix := key(tFlag, terminated(string(from)))
	for k, v := range tx.Scan(prefix, after(prefix)) {
		flags = append(flags, pair{append(key(tFlag, terminated(string(to))), k[len(prefix):]...), bytes.Clone(v)})
	}
	for _, f := range flags {
		if tx.Get(f.k) == nil {
			if err := tx.Put(f.k, f.v); err != nil {
				return err
			}
		}
	}
	return dropAccount(tx, from)
}

// everyFlag bounds the rows that one call deletes; an account has one for 32,768 posts of a list and a flag.
const everyFlag = 1 << 20

func dropAccount(tx Tx, a Address) error {
	for _, k := range [][]byte{key(tAccount, a), key(tSubscription, a)} {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	_, err := deleteRange(tx, key(tFlag, terminated(string(a))), everyFlag)
	return err
}

// Forget deletes what is stored about a person but the posts and bans: memberships, account, flags, aliases, requests, held posts, trust and
// notes of departures. It returns how many memberships ended.
func (s *Store) Forget(a Address) (ended int, err error) {
	err = s.engine.Update(func(tx Tx) error {
		ms, err := memberships(tx, a)
		if err != nil {
			return err
		}
		ended = len(ms)
		for _, m := range ms {
			if err := removeMember(tx, m); err != nil {
				return err
			}
		}
		if err := dropAccount(tx, a); err != nil {
			return err
		}
		if err := tx.Delete(key(tInbox, a)); err != nil {
			return err
		}
		held, err := scanAll(tx, key(tHeld), func(h Held) bool { return h.Author == a })
		if err != nil {
			return err
		}
		for _, h := range held {
			if err := deleteHeld(tx, h); err != nil {
				return err
			}
		}
		if err := dropTokens(tx, func(t Token) bool { return t.Address == a || t.Other == a }); err != nil {
			return err
		}
		if err := dropNotes(tx, a); err != nil {
			return err
		}
		return dropAliases(tx, a)
	})
	if err != nil {
		return 0, fmt.Errorf("forget: %w", err)
	}
	return ended, nil
}

// dropNotes deletes what the lists themselves keep about a person.
func dropNotes(tx Tx, a Address) error {
	for _, id := range listIDs(tx) {
		for _, k := range [][]byte{key(tTrust, id, a), key(tDeparture, id, a)} {
			if err := tx.Delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}

func listIDs(tx Tx) (ids []uint64) {
	for _, id := range tx.Scan(key(tListName), after(key(tListName))) {
		ids = append(ids, lastNumber(id))
	}
	return ids
}

func dropAliases(tx Tx, a Address) error {
	var gone [][]byte
	for k, v := range tx.Scan(key(tAlias), after(key(tAlias))) {
		if string(v) == string(a) || string(k[1:]) == string(a) {
			gone = append(gone, bytes.Clone(k))
		}
	}
	for _, k := range gone {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// maxAliases in a row are followed.
const maxAliases = 5

// MainAddress follows aliases: the address to which somebody changed. It is the address itself for who never did.
func (s *Store) MainAddress(a Address) (Address, error) {
	err := s.engine.View(func(tx Tx) error {
		a = mainAddress(tx, a)
		return nil
	})
	return a, err
}

func mainAddress(tx Tx, a Address) Address {
	for range maxAliases {
		next := tx.Get(key(tAlias, a))
		if next == nil {
			break
		}
		a = Address(next)
	}
	return a
}

// Aliases are the earlier addresses of an address.
func (s *Store) Aliases(a Address) (as []Address, err error) {
	err = s.engine.View(func(tx Tx) error {
		as = nil
		for k, v := range tx.Scan(key(tAlias), after(key(tAlias))) {
			if string(v) == string(a) {
				as = append(as, Address(k[1:]))
			}
		}
		return nil
	})
	return as, err
}

// PostsBy is what some addresses have posted, on every list, oldest first. It reads every log.
func (s *Store) PostsBy(as ...Address) (ps []Post, err error) {
	lists, err := s.Lists()
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		log, err := s.Log(l.ID)
		if err != nil {
			return nil, err
		}
		for p, err := range s.Posts(l.ID, 1, log.Last) {
			if err != nil {
				return nil, err
			}
			if slices.Contains(as, p.Author) && !p.Removed {
				ps = append(ps, p)
			}
		}
	}
	return ps, nil
}

// MemberOf finds the member of a list to whom an address belongs: by the address itself, by the one it was changed to, or when the two
// differ by a subaddress alone (asha+lists@ is asha@, RFC 5233). ErrNotFound.
func (s *Store) MemberOf(list uint64, a Address) (m Member, err error) {
	err = s.engine.View(func(tx Tx) error {
		m, err = memberOf(tx, list, a)
		return err
	})
	return m, err
}

func memberOf(tx Tx, list uint64, a Address) (Member, error) {
	base, _, tagged := strings.Cut(a.Local(), "+")
	bare := Address(base + "@" + a.Domain())
	for _, known := range []Address{a, mainAddress(tx, a), bare, mainAddress(tx, bare)} {
		if m, err := get[Member](tx, key(tMember, list, known)); !errors.Is(err, ErrNotFound) {
			return m, err
		}
	}
	if tagged {
		return Member{}, ErrNotFound
	}
	for _, b := range tx.Scan(key(tMember, list, base+"+"), after(key(tMember, list, base+"+"))) {
		var m Member
		if err := decode(b, &m); err != nil {
			return m, err
		}
		if m.Address.Domain() == a.Domain() {
			return m, nil
		}
	}
	return Member{}, ErrNotFound
}
