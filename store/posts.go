package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
)

// Post finds one post; a removed one has Removed set. ErrNotFound.
func (s *Store) Post(list, number uint64) (p Post, err error) {
	err = s.engine.View(func(tx Tx) error {
		p, err = get[Post](tx, key(tPost, list, number))
		return err
	})
	return p, err
}

// What one transaction of an iteration reads at most: posts, and bytes of their descriptions.
const (
	postBatch      = 256
	postBatchBytes = 1 << 20
)

// Posts yields posts from <= number <= to, removed ones too, in ascending order, read in batches. One whose row is damaged is left out: the
// numbers of all others follow each other.
func (s *Store) Posts(list, from, to uint64) iter.Seq2[Post, error] {
	return func(yield func(Post, error) bool) {
		for {
			ps, more, err := s.postsFrom(list, from, to)
			for _, p := range ps {
				if !yield(p, nil) {
					return
				}
				from = p.Number + 1
			}
			if err != nil {
				yield(Post{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// postsFrom reads one batch and tells whether there is more.
func (s *Store) postsFrom(list, from, to uint64) (ps []Post, more bool, err error) {
	err = s.engine.View(func(tx Tx) error {
		size := 0
		for _, b := range readable(tx, key(tPost, list, from), append(key(tPost, list, to), 0)) {
			if more = len(ps) == postBatch || size > postBatchBytes; more {
				break
			}
			var p Post
			if err := decode(b, &p); err != nil {
				return err
			}
			ps, size = append(ps, p), size+len(b)
		}
		return nil
	})
	return ps, more, err
}

// Raw are the stored bytes of a post. ErrNotFound, also when it was removed.
func (s *Store) Raw(list, number uint64) ([]byte, error) {
	return s.readChunks(key(tRaw, list, number))
}

// WriteRaw streams the stored bytes of a post.
func (s *Store) WriteRaw(w io.Writer, list, number uint64) error {
	return s.writeChunks(w, key(tRaw, list, number))
}

// PostsByMessageID returns the numbers of the posts with this Message-ID, ascending.
func (s *Store) PostsByMessageID(list uint64, id string) (ns []uint64, err error) {
	err = s.engine.View(func(tx Tx) error {
		prefix := key(tMessageID, list, idHash(id))
		for k := range tx.Scan(prefix, after(prefix)) {
			ns = append(ns, lastNumber(k))
		}
		return nil
	})
	return ns, err
}

// RemovePost deletes the bytes and the description of a post. Its number, its place in the thread and its Message-ID
// stay, so that replies keep their place and the post is not accepted anew.
func (s *Store) RemovePost(list, n uint64) error {
	err := s.engine.Update(func(tx Tx) error {
		if err := removePost(tx, list, n); err != nil {
			return err
		}
		return dropUnsent(tx, list, n)
	})
	if err != nil {
		return fmt.Errorf("remove post %d: %w", n, err)
	}
	s.postsChanged(list)
	return nil
}

func removePost(tx Tx, list, n uint64) error {
	p, err := get[Post](tx, key(tPost, list, n))
	if err != nil || p.Removed {
		return err
	}
	log, err := getLog(tx, list)
	if err != nil {
		return err
	}
	log.Count, log.Bytes = log.Count-1, log.Bytes-uint64(p.Size)
	if err := put(tx, key(tLog, list), log); err != nil {
		return err
	}
	if err := removeFromMonth(tx, p); err != nil {
		return err
	}
	if _, err := deleteRange(tx, key(tRaw, list, n), everyChunk); err != nil {
		return err
	}
	if err := removeFiles(tx, list, n); err != nil {
		return err
	}
	if err := tx.Put(key(tRemoved, list, n), present); err != nil {
		return err
	}
	if err := put(tx, key(tPost, list, n), Post{List: list, Number: n, Seq: p.Seq, MessageID: p.MessageID, Content: p.Content,
		Thread: p.Thread, Parent: p.Parent, Distance: p.Distance, Date: p.Date, Received: p.Received,
		Removed: true, Unarchived: p.Unarchived}); err != nil {
		return err
	}
	return removeFromThread(tx, list, p.Thread)
}

// Removed returns the numbers of removed posts in ascending order.
func (s *Store) Removed(list uint64) (ns []uint64, err error) {
	err = s.engine.View(func(tx Tx) error {
		for k := range tx.Scan(key(tRemoved, list), after(key(tRemoved, list))) {
			ns = append(ns, lastNumber(k))
		}
		return nil
	})
	return ns, err
}

// Month counts the posts of a month (UTC, by Post.Date).
type Month struct {
	Month string // 2026-11
	Posts int
}

func monthKey(p Post) []byte {
	return key(tMonth, p.List, terminated(p.Date.UTC().Format("2006-01")), uint64(p.Date.Unix()), p.Number)
}

func monthCount(p Post) []byte { return key(tMonthCount, p.List, p.Date.UTC().Format("2006-01")) }

func addToMonth(tx Tx, p Post) error {
	if _, err := count(tx, monthCount(p), 1); err != nil {
		return err
	}
	return tx.Put(monthKey(p), present)
}

func removeFromMonth(tx Tx, p Post) error {
	if n, err := count(tx, monthCount(p), -1); err != nil {
		return err
	} else if n == 0 {
		if err := tx.Delete(monthCount(p)); err != nil {
			return err
		}
	}
	return tx.Delete(monthKey(p))
}

// Months that have posts, newest first.
func (s *Store) Months(list uint64) (ms []Month, err error) {
	err = s.engine.View(func(tx Tx) error {
		prefix := key(tMonthCount, list)
		for k, n := range tx.ScanBack(prefix, after(prefix)) {
			ms = append(ms, Month{string(k[len(prefix):]), int(lastNumber(n))})
		}
		return nil
	})
	return ms, err
}

// MonthPosts yields the posts of a month (2026-11) by their dates, read in batches.
func (s *Store) MonthPosts(list uint64, month string) iter.Seq2[Post, error] {
	from, to := key(tMonth, list, terminated(month)), after(key(tMonth, list, terminated(month)))
	return batches(postBatch, func(n int) (ps []Post, err error) {
		err = s.engine.View(func(tx Tx) error {
			for k := range tx.Scan(from, to) {
				if len(ps) == n {
					from = append([]byte(nil), k...)
					break
				}
				p, err := get[Post](tx, key(tPost, list, lastNumber(k)))
				if err != nil {
					return err
				}
				ps = append(ps, p)
			}
			return nil
		})
		return ps, err
	})
}

// sequences reads (seq, number) of the posts of a list with from <= seq < to that are not removed.
func sequences(tx Tx, list, from, to uint64) (pairs [][2]uint64) {
	gone := map[uint64]bool{}
	for k := range tx.Scan(key(tRemoved, list), after(key(tRemoved, list))) {
		gone[lastNumber(k)] = true
	}
	for k, n := range tx.Scan(key(tSeq, list, from), key(tSeq, list, to)) {
		if number := binary.BigEndian.Uint64(n); len(gone) == 0 || !gone[number] {
			pairs = append(pairs, [2]uint64{lastNumber(k), number})
		}
	}
	return pairs
}
