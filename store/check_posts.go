package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// second reads the number behind the list in a key.
func second(k []byte) uint64 {
	if len(k) < 17 {
		return 0
	}
	return binary.BigEndian.Uint64(k[9:])
}

func (c *checker) postRows() {
	c.scan(tPost, func(k, v []byte) {
		t := c.list(k)
		if t == nil {
			return
		}
		number := second(k)
		t.posts++
		t.last = max(t.last, number)
		p, ok := record[Post](c, k, v)
		if !ok {
			return
		}
		c.checked.Posts++
		what := c.row(k)
		if key(tPost, p.List, p.Number); p.Number != number || !bytes.Equal(k, key(tPost, p.List, p.Number)) {
			c.wrong(doRestore, what, "it says it is post %d of list %d", p.Number, p.List)
			return
		}
		c.postIndexes(what, p)
		c.postThread(what, p)
		if p.Removed {
			return
		}
		t.alive++
		t.bytes += uint64(p.Size)
		t.months[p.Date.UTC().Format("2006-01")]++
	})
	c.blobs(tRaw, 16, func(prefix []byte) (size int64, what string, known bool) {
		t := c.list(prefix)
		if t == nil {
			return 0, "", false
		}
		what = fmt.Sprintf("post %d of %s", second(prefix), t.name)
		p, err := find[Post](c, key(tPost, prefix[1:]))
		if errors.Is(err, ErrNotFound) || err == nil && p.Removed {
			c.wrong(doReport, what, "there are bytes of it and it is not there")
		}
		return p.Size, what, err == nil && !p.Removed
	})
}

// unsentRows are the posts that are not archived and not with everybody yet.
func (c *checker) unsentRows() {
	c.scan(tUnsent, func(k, v []byte) {
		if c.list(k) == nil {
			return
		}
		record[Post](c, k, v)
		p, err := find[Post](c, key(tPost, k[1:]))
		if errors.Is(err, ErrNotFound) || err == nil && !(p.Removed && p.Unarchived) {
			c.wrong(doReport, c.row(k), "it is to be distributed and not archived, and its number says otherwise")
		}
		if !c.starts(key(tUnsentRaw, k[1:])) {
			c.wrong(doRestore, c.row(k), "its bytes are missing")
		}
	})
	c.blobs(tUnsentRaw, 16, func(prefix []byte) (size int64, what string, known bool) {
		p, err := find[Post](c, key(tUnsent, prefix[1:]))
		if errors.Is(err, ErrNotFound) {
			c.wrong(doReport, c.row(prefix), "there are bytes of it and it is not there")
		}
		return p.Size, c.row(prefix), err == nil
	})
	c.scan(tRedacted, func(k, v []byte) {
		t := c.list(k)
		if t == nil {
			return
		}
		t.redactions++
		if p, err := find[Post](c, key(tPost, k[1:9], lastNumber(v))); errors.Is(err, ErrNotFound) || err == nil && !p.Removed && p.Redacted == 0 {
			c.wrong(doReport, c.row(k), "it leads to post %d, of which nothing was taken out", lastNumber(v))
		}
	})
}

func (c *checker) postIndexes(what string, p Post) {
	if n := c.look(key(tSeq, p.List, p.Seq)); n == nil || len(n) > 0 && lastNumber(n) != p.Number {
		c.wrong(doReport, what, "it is not found by its place %d in the order of acceptance", p.Seq)
	}
	c.below(seqCounter, p.Seq, what)
	if p.MessageID != "" && !c.has(key(tMessageID, p.List, idHash(p.MessageID), p.Number)) {
		c.wrong(doReport, what, "it is not found by its Message-ID")
	}
	if p.Removed != c.has(key(tRemoved, p.List, p.Number)) {
		c.wrong(doReport, what, "its own record and the index of removed posts contradict each other")
	}
	if p.Removed {
		return
	}
	if !c.has(monthKey(p)) {
		c.wrong(doReport, what, "it is not found by its month")
	}
	if !c.starts(key(tRaw, p.List, p.Number)) {
		c.wrong(doRemove, what, "its bytes are missing")
	}
}

func (c *checker) postThread(what string, p Post) {
	if missing[Thread](c, key(tThread, p.List, p.Thread)) {
		c.wrong(doReport, what, "its thread %d is not there", p.Thread)
	}
	if !c.has(key(tThreadPost, p.List, p.Thread, p.Number)) {
		c.wrong(doReport, what, "it is not found by its thread %d", p.Thread)
	}
	if p.Parent == 0 {
		return
	}
	up, err := find[Post](c, key(tPost, p.List, p.Parent))
	if errors.Is(err, ErrNotFound) || err == nil && up.Thread != p.Thread {
		c.wrong(doReport, what, "it answers post %d, which is not there or in another thread", p.Parent)
	}
	for at := p; err == nil && p.Parent > p.Number && at.Parent != 0; { // a loop has a post that answers a later one
		if at, err = find[Post](c, key(tPost, p.List, at.Parent)); at.Number == p.Number {
			c.wrong(doReport, what, "it answers itself, by others")
			return
		}
	}
}

// blobs reads the chunks of a table, whose keys begin with the table and some bytes of a number. owner says how large they are together.
func (c *checker) blobs(table byte, prefixSize int, owner func(prefix []byte) (size int64, what string, known bool)) {
	var prefix []byte
	var size int64
	var chunk uint64
	broken := false
	end := func() {
		if prefix == nil {
			return
		}
		if want, what, known := owner(prefix); known && !broken && want >= 0 && size != want {
			c.wrong(doRemove, what, "%d of its %d bytes are there", size, want)
		}
	}
	c.scan(table, func(k, v []byte) {
		if len(k) != 1+prefixSize+8 {
			c.wrong(doRestore, c.row(k), "its key has another size")
			return
		}
		if !bytes.HasPrefix(k, prefix) || prefix == nil {
			end()
			prefix, size, chunk, broken = bytes.Clone(k[:1+prefixSize]), 0, 0, false
		}
		raw, err := decompressor.DecodeAll(v, nil)
		if err != nil || lastNumber(k) != chunk {
			c.wrong(doRemove, c.row(k), "its bytes are damaged")
			broken = true
		}
		chunk++
		size += int64(len(raw))
	})
	end()
}

func (c *checker) threadRows() {
	c.scan(tThread, func(k, v []byte) {
		t := c.list(k)
		if t == nil {
			return
		}
		t.threads++
		c.checked.Threads++
		if th, ok := record[Thread](c, k, v); ok {
			c.thread(c.row(k), second(k), th)
		}
	})
	c.scan(tThreadGone, func(k, v []byte) {
		if c.list(k) == nil {
			return
		}
		into := lastNumber(v)
		if into >= second(k) || !c.has(key(tThreadGone, k[1:9], into)) && missing[Thread](c, key(tThread, k[1:9], into)) {
			c.wrong(doReport, c.row(k), "it became part of thread %d, which is not there", into)
		}
	})
	c.scan(tThreadPost, func(k, _ []byte) {
		if t := c.list(k); t != nil {
			t.threadPosts++
			if p, err := find[Post](c, key(tPost, k[1:9], lastNumber(k))); errors.Is(err, ErrNotFound) || err == nil && p.Thread != second(k) {
				c.wrong(doReport, c.row(k), "its post %d is not there or in another thread", lastNumber(k))
			}
		}
	})
	c.scan(tThreadLatest, func(k, _ []byte) {
		if t := c.list(k); t != nil {
			t.latest++
			if th, err := find[Thread](c, key(tThread, k[1:9], lastNumber(k))); errors.Is(err, ErrNotFound) || err == nil && th.LatestNumber != second(k) {
				c.wrong(doReport, c.row(k), "the thread is not there or has another newest post than %d", second(k))
			}
		}
	})
}

func (c *checker) thread(what string, id uint64, th Thread) {
	posts, removed, newest := 0, 0, uint64(0)
	for _, n := range c.numbers(key(tThreadPost, th.List, th.ID)) {
		posts++
		newest = max(newest, n)
		if c.has(key(tRemoved, th.List, n)) {
			removed++
		}
	}
	switch {
	case th.ID != id:
		c.wrong(doRestore, what, "it says it is thread %d", th.ID)
	case posts != th.Posts || removed != th.Removed:
		c.wrong(doReport, what, "it says %d posts, of which %d are removed, and there are %d and %d", th.Posts, th.Removed, posts, removed)
	case newest != th.LatestNumber || !c.has(key(tThreadLatest, th.List, newest, th.ID)):
		c.wrong(doReport, what, "its newest post is %d, and it says %d or is not found by it", newest, th.LatestNumber)
	}
}

// numbers at the end of the keys below a prefix, as far as they can be read.
func (c *checker) numbers(prefix []byte) (ns []uint64) {
	defer func() {
		r := recover()
		if _, ok := r.(*Damage); !ok && r != nil {
			panic(r)
		}
	}()
	for k := range c.tx.Keys(prefix, after(prefix)) {
		ns = append(ns, lastNumber(k))
	}
	return ns
}

// indexRows are the indexes of posts, from their side.
func (c *checker) indexRows() {
	post := func(table byte, each func(t *tally, k, v []byte) (number uint64, fits func(Post) bool)) {
		c.scan(table, func(k, v []byte) {
			t := c.list(k)
			if t == nil {
				return
			}
			number, fits := each(t, k, v)
			p, err := find[Post](c, key(tPost, k[1:9], number))
			if errors.Is(err, ErrNotFound) || err == nil && !fits(p) {
				c.wrong(doReport, c.row(k), "it leads to post %d, which is not there or says otherwise", number)
			}
		})
	}
	post(tSeq, func(t *tally, k, v []byte) (uint64, func(Post) bool) {
		t.sequences++
		return lastNumber(v), func(p Post) bool { return p.Seq == second(k) }
	})
	post(tRemoved, func(t *tally, k, _ []byte) (uint64, func(Post) bool) {
		t.removed++
		return lastNumber(k), func(p Post) bool { return p.Removed }
	})
	post(tMessageID, func(t *tally, k, v []byte) (uint64, func(Post) bool) {
		t.identities++
		return lastNumber(k), func(p Post) bool { return len(v) >= 64 && len(v)%32 == 0 && bytes.Equal(v[32:64], p.Content[:]) }
	})
	post(tMonth, func(t *tally, k, _ []byte) (uint64, func(Post) bool) {
		t.monthRows++
		return lastNumber(k), func(p Post) bool { return !p.Removed && bytes.Equal(k, monthKey(p)) }
	})
	post(tOrphan, func(_ *tally, k, _ []byte) (uint64, func(Post) bool) {
		return lastNumber(k), func(Post) bool { return true }
	})
	c.scan(tMonthCount, func(k, v []byte) {
		if t := c.list(k); t != nil && t.months[string(k[9:])] == 0 {
			c.same("the count of "+string(k[9:])+" of "+t.name, lastNumber(v), 0)
		}
	})
	c.scan(tGhost, func(k, v []byte) {
		if c.list(k) == nil {
			return
		}
		if id := lastNumber(v); !c.has(key(tThreadGone, k[1:9], id)) && missing[Thread](c, key(tThread, k[1:9], id)) {
			c.wrong(doReport, c.row(k), "it waits for a post in thread %d, which is not there", id)
		}
	})
}
