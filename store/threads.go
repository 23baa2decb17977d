package store

import (
	"errors"
	"slices"
)

// maxReferences bounds how many ancestors of a post are looked at, the nearest ones.
const maxReferences = 100

// thread finds the place of a new post among the others, with public-inbox's rules: by references only and never by
// subject; a parent that is missing is remembered (tGhost its thread, tOrphan who waits for it), so that it fills its
// place when it comes late; threads that turn out to be one are merged into the older, whose number stays; a link
// that would close a loop is refused; a post with a Message-ID that another has (twin) becomes that one's child.
// It sets Thread, Parent and Distance of the post and returns by how much the number of threads changed.
func thread(tx Tx, p *Post, id []byte, twin uint64, references []string) (change int64, err error) {
	refs := slices.Clone(references[max(0, len(references)-maxReferences):])
	slices.Reverse(refs) // nearest first
	var joined []uint64
	join := func(t uint64) {
		if t != 0 && !slices.Contains(joined, t) {
			joined = append(joined, t)
		}
	}
	ghost := key(tGhost, p.List, id)
	if g := tx.Get(ghost); g != nil {
		join(resolveThread(tx, p.List, lastNumber(g)))
		if err := tx.Delete(ghost); err != nil {
			return 0, err
		}
	}
	var missing [][]byte
	for i, ref := range refs {
		h := idHash(ref)
		first, _ := seenInLog(tx, p.List, h, [32]byte{})
		if first == 0 {
			if string(h) != string(id) {
				missing = append(missing, h)
				if g := tx.Get(key(tGhost, p.List, h)); g != nil {
					join(resolveThread(tx, p.List, lastNumber(g)))
				}
				if p.Parent == 0 {
					if err := tx.Put(key(tOrphan, p.List, h, p.Number), number(uint64(i))); err != nil {
						return 0, err
					}
				}
			}
			continue
		}
		parent, err := get[Post](tx, key(tPost, p.List, first))
		if err != nil {
			return 0, err
		}
		join(parent.Thread)
		if p.Parent == 0 {
			p.Parent, p.Distance = first, i
		}
	}
	if twin != 0 {
		t, err := get[Post](tx, key(tPost, p.List, twin))
		if err != nil {
			return 0, err
		}
		join(t.Thread)
		p.Parent, p.Distance = twin, 0
	}
	change, err = joinThreads(tx, p, joined)
	if err != nil {
		return 0, err
	}
	for _, h := range missing {
		if err := tx.Put(key(tGhost, p.List, h), number(p.Thread)); err != nil {
			return 0, err
		}
	}
	return change, adopt(tx, p, id)
}

// joinThreads puts the post into the oldest of the threads it belongs to and merges the others into that.
func joinThreads(tx Tx, p *Post, joined []uint64) (change int64, err error) {
	slices.Sort(joined)
	t := Thread{List: p.List, ID: p.Number}
	if len(joined) > 0 {
		if t, err = get[Thread](tx, key(tThread, p.List, joined[0])); err != nil {
			return 0, err
		}
		joined = joined[1:]
		if err := tx.Delete(key(tThreadLatest, p.List, t.LatestNumber, t.ID)); err != nil {
			return 0, err
		}
	} else {
		change = 1
	}
	for _, other := range joined {
		if err := merge(tx, &t, other); err != nil {
			return 0, err
		}
		change--
	}
	p.Thread = t.ID
	t.include(*p)
	return change, putThread(tx, t, p.Number)
}

func (t *Thread) include(p Post) {
	if t.Posts == t.Removed || p.Number < t.ID {
		t.Subject, t.From, t.First = p.Subject, p.From, p.Date
	}
	t.Posts++
	if p.Number > t.LatestNumber {
		t.LatestNumber, t.Latest, t.LatestFrom = p.Number, p.Received, p.From
	}
}

// removeFromThread takes away what the thread says of a post that was removed.
func removeFromThread(tx Tx, list, id uint64) error {
	t, err := get[Thread](tx, key(tThread, list, id))
	if err != nil {
		return err
	}
	rest := Thread{List: list, ID: t.ID, LatestNumber: t.LatestNumber, Latest: t.Latest}
	for _, n := range threadNumbers(tx, list, id) {
		p, err := get[Post](tx, key(tPost, list, n))
		if err != nil {
			return err
		}
		if rest.Posts++; p.Removed {
			rest.Removed++
			continue
		}
		if rest.Posts == rest.Removed+1 {
			rest.Subject, rest.From, rest.First = p.Subject, p.From, p.Date
		}
		rest.Latest, rest.LatestFrom = p.Received, p.From
	}
	return put(tx, key(tThread, list, id), rest)
}

func putThread(tx Tx, t Thread, n uint64) error {
	if err := tx.Put(key(tThreadPost, t.List, t.ID, n), present); err != nil {
		return err
	}
	if err := tx.Put(key(tThreadLatest, t.List, t.LatestNumber, t.ID), present); err != nil {
		return err
	}
	return put(tx, key(tThread, t.List, t.ID), t)
}

func merge(tx Tx, t *Thread, id uint64) error {
	other, err := get[Thread](tx, key(tThread, t.List, id))
	if err != nil {
		return err
	}
	for _, n := range threadNumbers(tx, t.List, id) {
		p, err := get[Post](tx, key(tPost, t.List, n))
		if err != nil {
			return err
		}
		p.Thread = t.ID
		if err := put(tx, key(tPost, t.List, n), p); err != nil {
			return err
		}
		if err := tx.Delete(key(tThreadPost, t.List, id, n)); err != nil {
			return err
		}
		if err := tx.Put(key(tThreadPost, t.List, t.ID, n), present); err != nil {
			return err
		}
	}
	if t.Posts == t.Removed {
		t.Subject, t.From, t.First = other.Subject, other.From, other.First
	}
	t.Posts, t.Removed = t.Posts+other.Posts, t.Removed+other.Removed
	if other.LatestNumber > t.LatestNumber {
		t.LatestNumber, t.Latest, t.LatestFrom = other.LatestNumber, other.Latest, other.LatestFrom
	}
	if err := tx.Delete(key(tThreadLatest, t.List, other.LatestNumber, id)); err != nil {
		return err
	}
	if err := tx.Delete(key(tThread, t.List, id)); err != nil {
		return err
	}
	return tx.Put(key(tThreadGone, t.List, id), number(t.ID))
}

// adopt gives the post the children that waited for it, unless one of them is its ancestor.
func adopt(tx Tx, p *Post, id []byte) error {
	prefix := key(tOrphan, p.List, id)
	type orphan struct {
		number   uint64
		distance int
	}
	var orphans []orphan
	for k, d := range tx.Scan(prefix, after(prefix)) {
		orphans = append(orphans, orphan{lastNumber(k), int(lastNumber(d))})
	}
	if len(orphans) == 0 {
		return nil
	}
	above, err := ancestors(tx, *p)
	if err != nil {
		return err
	}
	for _, o := range orphans {
		if err := tx.Delete(key(tOrphan, p.List, id, o.number)); err != nil {
			return err
		}
		child, err := get[Post](tx, key(tPost, p.List, o.number))
		if errors.Is(err, ErrNotFound) || o.number == p.Number {
			continue
		}
		if err != nil {
			return err
		}
		if child.Parent != 0 && child.Distance <= o.distance || above[o.number] {
			continue
		}
		child.Parent, child.Distance = p.Number, o.distance
		if err := put(tx, key(tPost, p.List, o.number), child); err != nil {
			return err
		}
	}
	return nil
}

// ancestors of a post: parents are free of loops.
func ancestors(tx Tx, p Post) (map[uint64]bool, error) {
	above := map[uint64]bool{}
	for up := p.Parent; up != 0; {
		above[up] = true
		next, err := get[Post](tx, key(tPost, p.List, up))
		if err != nil {
			return nil, err
		}
		up = next.Parent
	}
	return above, nil
}

func resolveThread(tx Tx, list, id uint64) uint64 {
	for {
		into := tx.Get(key(tThreadGone, list, id))
		if into == nil {
			return id
		}
		id = lastNumber(into)
	}
}

func threadNumbers(tx Tx, list, id uint64) (ns []uint64) {
	prefix := key(tThreadPost, list, id)
	for k := range tx.Scan(prefix, after(prefix)) {
		ns = append(ns, lastNumber(k))
	}
	return ns
}

// Thread finds a thread, also under the ID it had before it was merged into an older one. ErrNotFound.
func (s *Store) Thread(list, id uint64) (t Thread, err error) {
	err = s.engine.View(func(tx Tx) error {
		t, err = get[Thread](tx, key(tThread, list, resolveThread(tx, list, id)))
		return err
	})
	return t, err
}

// Threads returns up to limit threads by their latest post, newest first, of those whose LatestNumber is below before
// (0: all).
func (s *Store) Threads(list, before uint64, limit int) (ts []Thread, err error) {
	err = s.engine.View(func(tx Tx) error {
		from, to := key(tThreadLatest, list), after(key(tThreadLatest, list))
		if before != 0 {
			to = key(tThreadLatest, list, before)
		}
		for k := range tx.ScanBack(from, to) {
			if len(ts) == limit {
				break
			}
			t, err := get[Thread](tx, key(tThread, list, lastNumber(k)))
			if err != nil {
				return err
			}
			ts = append(ts, t)
		}
		return nil
	})
	return ts, err
}

// ThreadPosts returns up to limit posts of a thread from a number on, in the order of their numbers. Parent makes the tree.
// ErrNotFound.
func (s *Store) ThreadPosts(list, id, from uint64, limit int) (ps []Post, err error) {
	err = s.engine.View(func(tx Tx) error {
		id = resolveThread(tx, list, id)
		t, err := get[Thread](tx, key(tThread, list, id))
		if err != nil {
			return err
		}
		ps = make([]Post, 0, min(limit, t.Posts))
		for k := range tx.Scan(key(tThreadPost, list, id, from), after(key(tThreadPost, list, id))) {
			if len(ps) == limit {
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
}
