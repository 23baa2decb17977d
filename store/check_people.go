package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

func (c *checker) memberRows() {
	c.scan(tMember, func(k, v []byte) {
		t := c.list(k)
		if t == nil {
			return
		}
		t.members++
		m, ok := record[Member](c, k, v)
		if !ok {
			return
		}
		c.checked.Members++
		what := c.row(k)
		if !bytes.Equal(k, key(tMember, m.List, m.Address)) || c.store != nil && m.ID != c.store.MemberID(m.List, m.Address) {
			c.wrong(doRestore, what, "it says it is %s of list %d", m.Address, m.List)
			return
		}
		if row := c.look(key(tMemberID, m.ID)); row == nil || len(row) > 0 && !bytes.Equal(row, k) {
			c.wrong(doReport, what, "links in mail do not lead to it")
		}
		if !c.has(key(tMembership, terminated(string(m.Address)), m.List)) {
			c.wrong(doReport, what, "it is not found by its address")
		}
		if c.has(key(tSuspended, m.List, m.Address)) == m.Failure.Suspended.IsZero() {
			c.wrong(doReport, what, "its own record and the index of suspended members contradict each other")
		}
	})
	c.scan(tMemberID, func(k, v []byte) {
		if c.list(v) == nil {
			return
		}
		if m, err := find[Member](c, v); errors.Is(err, ErrNotFound) || err == nil && m.ID != lastNumber(k) {
			c.wrong(doReport, c.row(k), "it leads to a member who is not there or is another")
		}
	})
	c.scan(tMembership, func(k, _ []byte) {
		address, _, _ := strings.Cut(string(k[1:]), "\x00")
		if list := lastNumber(k); !slices.Contains(c.gone, list) && missing[Member](c, key(tMember, list, address)) {
			c.wrong(doReport, c.row(k), "it leads to a member who is not there")
		}
	})
	c.scan(tSuspended, func(k, _ []byte) {
		if c.list(k) != nil && missing[Member](c, key(tMember, k[1:])) {
			c.wrong(doReport, c.row(k), "it leads to a member who is not there")
		}
	})
}

func (c *checker) accountRows() {
	c.scan(tAccount, func(k, v []byte) {
		if a, ok := record[Account](c, k, v); ok && string(a.Address) != string(k[1:]) {
			c.wrong(doRestore, c.row(k), "it says it is of %s", a.Address)
		}
	})
	c.scan(tSubscription, func(k, v []byte) { record[subscriptions](c, k, v) })
	c.scan(tInbox, func(k, v []byte) {
		if in, ok := record[inbox](c, k, v); ok {
			c.inbox(c.row(k), Address(k[1:]), in)
		}
	})
	c.scan(tFlag, func(k, v []byte) {
		_, rest, found := bytes.Cut(k[1:], []byte{0})
		if !found || len(rest) < 8 || len(v) == 0 || len(v) > bitmapNumbers/8 {
			c.wrong(doRestore, c.row(k), "it is no flag")
			return
		}
		if _, chunk, found := bytes.Cut(rest[8:], []byte{0}); !found || len(chunk) != 8 {
			c.wrong(doRestore, c.row(k), "it is no flag")
		}
	})
}

// inbox has spans in the order of their UIDs, of which the last one grows and is of the lists of which the account is a member.
func (c *checker) inbox(what string, a Address, in inbox) {
	next := uint64(1)
	for i, s := range in.Spans {
		last := i == len(in.Spans)-1
		if s.UID < next || s.To < s.From && s.To != 0 || (s.To == 0) != last {
			c.wrong(doReport, what, "the UIDs of its INBOX are not in order")
			return
		}
		next = s.UID + s.To - s.From
	}
	if len(in.Spans) == 0 {
		c.wrong(doReport, what, "its INBOX has no place for new posts")
		return
	}
	now := slices.Clone(in.Spans[len(in.Spans)-1].Lists)
	slices.Sort(now)
	if !slices.Equal(now, c.numbers(key(tMembership, terminated(string(a))))) {
		c.wrong(doReport, what, "its INBOX shows other lists than those of which it is a member")
	}
}

// expiring and small things, each by itself.
func (c *checker) otherRows() {
	c.scan(tToken, func(k, v []byte) {
		if t, ok := record[Token](c, k, v); ok && t.Purpose != PurposeResume && !c.has(t.index()) {
			c.wrong(doReport, c.row(k), "it is not found by whom it is for")
		}
	})
	c.scan(tTokenOf, func(k, v []byte) {
		if missing[Token](c, key(tToken, v)) {
			c.wrong(doReport, c.row(k), "it leads to a token that is not there")
		}
	})
	c.scan(tBan, func(k, v []byte) {
		if b, ok := record[Ban](c, k, v); ok && !bytes.Equal(k, key(tBan, b.List, b.Pattern)) {
			c.wrong(doRestore, c.row(k), "it says it is another")
		}
		if binary.BigEndian.Uint64(k[1:]) != 0 {
			c.list(k)
		}
	})
	for _, table := range []byte{tTrust, tText} {
		c.scan(table, func(k, _ []byte) { c.list(k) })
	}
	c.scan(tStamp, func(k, v []byte) {
		if c.list(k) != nil && len(v) != 8 {
			c.wrong(doRestore, c.row(k), "it is no time")
		}
	})
	c.scan(tEnded, func(k, v []byte) {
		if len(v) != 8 {
			c.wrong(doRestore, c.row(k), "it is no time")
		}
	})
	c.scan(tDeparture, func(k, v []byte) {
		if c.list(k) != nil {
			record[Departure](c, k, v)
		}
	})
	c.scan(tDigest, func(k, v []byte) {
		if t := c.list(k); t != nil {
			if d, ok := record[DigestState](c, k, v); ok && d.Reached > t.last {
				c.wrong(doReport, c.row(k), "it has reached post %d and the newest is %d", d.Reached, t.last)
			}
		}
	})
	c.scan(tOwed, func(k, v []byte) {
		if c.list(k) == nil {
			return
		}
		if o, ok := record[Owed](c, k, v); ok && (!bytes.Equal(k, o.key()) || missing[Member](c, key(tMember, o.List, o.Address))) {
			c.wrong(doReport, c.row(k), "it is owed to somebody who is no member")
		}
	})
	c.scan(tAlias, func(k, v []byte) {
		if _, err := ParseAddress(string(v)); err != nil {
			c.wrong(doRestore, c.row(k), "it leads to %q, which is no address", v)
		}
	})
}
