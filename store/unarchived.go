package store

import (
	"errors"
	"iter"
	"slices"
)

// A post whose author asked that it not be archived is distributed and not kept. In the log it is a removed post from the first moment; its
// description and bytes lie beside the log until everybody has got it, in a copy or a digest.

// keepUntilSent takes a post out of the log that was put there in this transaction.
func keepUntilSent(tx Tx, p Post, chunks [][]byte) error {
	if err := removePost(tx, p.List, p.Number); err != nil {
		return err
	}
	if err := putChunks(tx, key(tUnsentRaw, p.List, p.Number), chunks); err != nil {
		return err
	}
	return put(tx, key(tUnsent, p.List, p.Number), p)
}

func dropUnsent(tx Tx, list, number uint64) error {
	if _, err := deleteRange(tx, key(tUnsentRaw, list, number), everyChunk); err != nil {
		return err
	}
	return tx.Delete(key(tUnsent, list, number))
}

// dropSent deletes a post that is not archived when it has been delivered and no digest needs it.
func dropSent(tx Tx, list, number uint64) error {
	if tx.Get(key(tUnsent, list, number)) == nil {
		return nil
	}
	if waits, err := digestWaits(tx, list, number); err != nil || waits {
		return err
	}
	return dropUnsent(tx, list, number)
}

// dropSentOf does so for the posts behind one up to another, but for those that are still needed.
func dropSentOf(tx Tx, list, behind, upto uint64, needed func(number uint64) bool) error {
	var sent []uint64
	for k := range tx.Scan(key(tUnsent, list, behind+1), key(tUnsent, list, upto+1)) {
		if n := lastNumber(k); !needed(n) {
			sent = append(sent, n)
		}
	}
	for _, n := range sent {
		if err := dropUnsent(tx, list, n); err != nil {
			return err
		}
	}
	return nil
}

// Distributed yields the posts from <= number <= to that are still there for those who get them: those of the log, and those that are not
// archived but not yet with everybody. Imports and removed posts are left out.
func (s *Store) Distributed(list, from, to uint64) iter.Seq2[Post, error] {
	return func(yield func(Post, error) bool) {
		for p, err := range s.Posts(list, from, to) {
			if err == nil {
				p, err = s.distributed(p)
			}
			if err == nil && (p.Removed || p.Quiet) {
				continue
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// distributed is a post as those get it who are to get it, while it waits for them.
func (s *Store) distributed(p Post) (Post, error) {
	if !p.Unarchived {
		return p, nil
	}
	err := s.engine.View(func(tx Tx) error {
		unsent, err := get[Post](tx, key(tUnsent, p.List, p.Number))
		if err == nil {
			p = unsent
		} else if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	return p, err
}

// DistributedRaw are the bytes of a post of Distributed. ErrNotFound.
func (s *Store) DistributedRaw(list, number uint64) ([]byte, error) {
	raw, err := s.Raw(list, number)
	if errors.Is(err, ErrNotFound) {
		return s.readChunks(key(tUnsentRaw, list, number))
	}
	return raw, err
}

// isNeeded tells whether a post of a list is still to come to somebody in a copy or in a last digest.
func isNeeded(tx Tx, list uint64) (func(number uint64) bool, error) {
	jobs, err := scanAll(tx, key(tJob), func(j Job) bool { return j.List == list && j.Number != 0 })
	if err != nil {
		return nil, err
	}
	owed, err := scanAll[Owed](tx, key(tOwed, list), nil)
	return func(n uint64) bool {
		return slices.ContainsFunc(jobs, func(j Job) bool { return j.Number == n }) || slices.ContainsFunc(owed, func(o Owed) bool { return o.covers(n) })
	}, err
}
