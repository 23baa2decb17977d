package store

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// CreateList gives the list its ID and adds the owners; UIDValidity is the second of its creation, or later where that was given
// to another list, which may have had its name. ErrExists when the address is taken.
func (s *Store) CreateList(l List, owners ...Member) (List, error) {
	if err := ValidateListName(l.Name); err != nil {
		return l, err
	}
	if l.Created.IsZero() {
		l.Created = time.Now().UTC()
	}
	err := s.engine.Update(func(tx Tx) error {
		name := key(tListName, l.Address())
		if tx.Get(name) != nil {
			return fmt.Errorf("list %s: %w", l.Address(), ErrExists)
		}
		var err error
		if l.ID, err = count(tx, listCounter, 1); err != nil {
			return err
		}
		validity := max(uint64(l.Created.Unix()), lastNumber(tx.Get(validityCounter))+1)
		l.UIDValidity = uint32(validity)
		if err := tx.Put(validityCounter, number(validity)); err != nil {
			return err
		}
		if err := tx.Put(name, number(l.ID)); err != nil {
			return err
		}
		for _, o := range owners {
			o.List, o.ID = l.ID, s.MemberID(l.ID, o.Address)
			if _, err := addMember(tx, o); err != nil {
				return err
			}
		}
		return put(tx, key(tList, l.ID), l)
	})
	return l, err
}

// List finds a list by its address. ErrNotFound.
func (s *Store) List(a Address) (l List, err error) {
	err = s.engine.View(func(tx Tx) error {
		id := tx.Get(key(tListName, a))
		if id == nil {
			return fmt.Errorf("list %s: %w", a, ErrNotFound)
		}
		l, err = get[List](tx, key(tList, id))
		return err
	})
	return l, err
}

// ListByMailboxName finds what List.MailboxName named, in any case of letters. ErrNotFound.
func (s *Store) ListByMailboxName(name, defaultDomain string) (List, error) {
	name = strings.ToLower(name)
	if !strings.Contains(name, "@") {
		name += "@" + defaultDomain
	}
	return s.List(Address(name))
}

// ListByID finds a list by its ID. ErrNotFound.
func (s *Store) ListByID(id uint64) (l List, err error) {
	err = s.engine.View(func(tx Tx) error {
		l, err = get[List](tx, key(tList, id))
		return err
	})
	return l, err
}

// Lists are all lists, ordered by address; one whose row is damaged is left out.
func (s *Store) Lists() (ls []List, err error) {
	err = s.engine.View(func(tx Tx) error {
		from := key(tListName)
		for _, id := range readable(tx, from, after(from)) {
			l, err := getReadable[List](tx, key(tList, id))
			if IsDamage(err) {
				continue
			}
			if err != nil {
				return err
			}
			ls = append(ls, l)
		}
		return nil
	})
	return ls, err
}

// UpdateList runs change on the stored list and keeps the result; ID, name, domain and UIDValidity stay as they are.
func (s *Store) UpdateList(id uint64, change func(*List) error) (l List, err error) {
	err = s.engine.Update(func(tx Tx) error {
		old, err := get[List](tx, key(tList, id))
		if err != nil {
			return err
		}
		l = old
		if err := change(&l); err != nil {
			return err
		}
		l.ID, l.Name, l.Domain, l.UIDValidity, l.Created = old.ID, old.Name, old.Domain, old.UIDValidity, old.Created
		return put(tx, key(tList, id), l)
	})
	s.notify(topic{kind: 'o'}) // a list may be off hold
	s.postsChanged(id)         // or not be for everybody any more
	return l, err
}

// RenameList gives the list another address. ErrExists when that is taken.
func (s *Store) RenameList(id uint64, to Address) (l List, err error) {
	if err := ValidateListName(to.Local()); err != nil {
		return l, err
	}
	err = s.engine.Update(func(tx Tx) error {
		if l, err = get[List](tx, key(tList, id)); err != nil {
			return err
		}
		if tx.Get(key(tListName, to)) != nil {
			return fmt.Errorf("list %s: %w", to, ErrExists)
		}
		if err := tx.Delete(key(tListName, l.Address())); err != nil {
			return err
		}
		l.Name, l.Domain = to.Local(), to.Domain()
		if err := tx.Put(key(tListName, to), number(id)); err != nil {
			return err
		}
		return put(tx, key(tList, id), l)
	})
	return l, err
}

// RemoveList makes the list unknown at once, then deletes its members, posts, held posts and jobs in bounded
// transactions; an interrupted removal is finished by Open.
func (s *Store) RemoveList(id uint64) error {
	err := s.engine.Update(func(tx Tx) error {
		l, err := get[List](tx, key(tList, id))
		if err != nil {
			return err
		}
		if err := tx.Delete(key(tListName, l.Address())); err != nil {
			return err
		}
		if err := tx.Delete(key(tList, id)); err != nil {
			return err
		}
		return tx.Put(key(tListGone, id), present)
	})
	if err != nil {
		return fmt.Errorf("remove list: %w", err)
	}
	s.postsChanged(id)
	return s.sweepRemovedLists()
}

func (s *Store) sweepRemovedLists() error {
	var gone []uint64
	err := s.engine.View(func(tx Tx) error {
		for k := range tx.Scan(key(tListGone), after(key(tListGone))) {
			gone = append(gone, lastNumber(k))
		}
		return nil
	})
	for _, id := range gone {
		err = errors.Join(err, s.sweepList(id))
	}
	return err
}

// tables whose keys start with the list.
var tablesOfList = []byte{tLog, tMemberCount, tPost, tRaw, tSeq, tRemoved, tMessageID, tGhost, tOrphan, tThread, tThreadGone,
	tThreadPost, tThreadLatest, tMonth, tMonthCount, tHeldID, tJobCount, tBan, tTrust, tText, tStamp, tDigest, tOwed, tSuspended, tDeparture, tUnsent, tUnsentRaw, tRedacted,
	tFile, tFilePost, tFileContent, tFileGroup, tFileLatest, tFilesCursor}

const sweepBatch = 1000

func (s *Store) sweepList(id uint64) error {
	for {
		left := false
		err := s.engine.Update(func(tx Tx) (err error) {
			left, err = sweepStep(tx, id)
			return err
		})
		if err != nil || !left {
			return err
		}
	}
}

// sweepStep removes some rows of a list and tells whether more may be left.
func sweepStep(tx Tx, id uint64) (bool, error) {
	if ms, err := members(tx, id, "", sweepBatch); err != nil || len(ms) > 0 {
		for _, m := range ms {
			err = errors.Join(err, removeMember(tx, m))
		}
		return true, err
	}
	jobs, err := scanAll[Job](tx, key(tJob), func(j Job) bool { return j.List == id })
	if err != nil {
		return false, err
	}
	for _, j := range jobs {
		if err := deleteJob(tx, j); err != nil {
			return false, err
		}
	}
	held, err := scanAll[Held](tx, key(tHeld), func(h Held) bool { return h.List == id })
	if err != nil {
		return false, err
	}
	for _, h := range held {
		if err := deleteHeld(tx, h); err != nil {
			return false, err
		}
	}
	for _, table := range tablesOfList {
		if n, err := deleteRange(tx, key(table, id), sweepBatch); err != nil || n > 0 {
			return true, err
		}
	}
	return false, tx.Delete(key(tListGone, id))
}

// scanAll reads the records under prefix that keep wants.
func scanAll[T any](tx Tx, prefix []byte, keep func(T) bool) ([]T, error) {
	return records(tx.Scan(prefix, after(prefix)), keep)
}

// records are the values of rows that keep wants (nil: all).
func records[T any](rows iter.Seq2[[]byte, []byte], keep func(T) bool) (all []T, err error) {
	for _, b := range rows {
		var v T
		if err := decode(b, &v); err != nil {
			return nil, err
		}
		if keep == nil || keep(v) {
			all = append(all, v)
		}
	}
	return all, nil
}

// Log says how far the log of a list reaches.
func (s *Store) Log(list uint64) (l Log, err error) {
	err = s.engine.View(func(tx Tx) error {
		l, err = getLog(tx, list)
		return err
	})
	return l, err
}

func getLog(tx Tx, list uint64) (Log, error) {
	l, err := get[Log](tx, key(tLog, list))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return l, err
}
