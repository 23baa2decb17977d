package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Problem is one thing that is wrong with a store.
type Problem struct {
	What string `json:"what"` // as "post 12 of heplink@lists.example.org"
	Is   string `json:"is"`   // as "its bytes are damaged"
	Do   string `json:"do"`
}

// Checked counts what Check has looked at.
type Checked struct {
	Lists   int `json:"lists"`
	Members int `json:"members"`
	Posts   int `json:"posts"`
	Threads int `json:"threads"`
	Held    int `json:"held"`
	Jobs    int `json:"jobs"`
	Rows    int `json:"rows"`
}

// What to do about a problem.
const (
	doRestore = "restore the newest backup that `sangam check BACKUP` finds whole"
	doStop    = "stop the server now, then restore the newest backup that `sangam check BACKUP` finds whole"
	doRemove  = "restore a backup, or take the post out with `sangam archive remove`"
	doReport  = "no message is lost; restore a backup from before, and report it as a defect of this program"
)

// Check reads all that an engine has and reports what does not fit together, in no more memory than a bit a page, while the engine is in
// use. progress (nil: none) gets bytes.
func Check(ctx context.Context, e Engine, progress func(done int64), report func(Problem)) (Checked, error) {
	holes, err := e.Holes()
	if err != nil {
		return Checked{}, fmt.Errorf("check the store: %w", err)
	}
	c := &checker{ctx: ctx, holes: holes, report: report, progress: progress, lists: map[uint64]*tally{}}
	if err := e.View(c.all); err != nil {
		return c.checked, fmt.Errorf("check the store: %w", err)
	}
	return c.checked, nil
}

// Check looks at the whole store; see the function Check.
func (s *Store) Check(ctx context.Context, progress func(done int64), report func(Problem)) (Checked, error) {
	return Check(ctx, s.engine, progress, report)
}

// checker looks at a snapshot.
type checker struct {
	ctx      context.Context
	tx       Tx
	store    *Store // for the site key alone; nil when that cannot be read
	holes    []Hole
	report   func(Problem)
	progress func(done int64)
	done     int64
	checked  Checked
	lists    map[uint64]*tally
	gone     []uint64 // lists that are being removed
	counters map[string]uint64
}

// tally of a list: what its rows say its counters should be.
type tally struct {
	name                                      string
	posts, last, alive, bytes, threads        uint64
	sequences, identities, removed, monthRows uint64
	threadPosts, latest, redactions           uint64
	members, jobs                             uint64
	months                                    map[string]uint64
}

func (c *checker) wrong(do, what, format string, args ...any) {
	c.report(Problem{What: what, Is: fmt.Sprintf(format, args...), Do: do})
}

func (c *checker) all(tx Tx) error {
	c.tx = tx
	for _, h := range c.holes {
		switch {
		case h.From == nil:
			c.wrong(doStop, "the file of the store", "%s", h.Cause)
		default:
			c.wrong(doRestore, c.between(h.From, h.To), "%s", h.Cause)
		}
	}
	for _, part := range []func(){c.site, c.listRows, c.postRows, c.unsentRows, c.threadRows, c.indexRows, c.memberRows, c.accountRows, c.heldRows, c.jobRows, c.fileRows, c.otherRows, c.totals} {
		if part(); c.ctx.Err() != nil {
			return c.ctx.Err()
		}
	}
	return nil
}

// scan calls row for every row of a table that can be read and reports the others.
func (c *checker) scan(table byte, row func(k, v []byte)) {
	for from := key(table); from != nil && c.ctx.Err() == nil; {
		from = c.scanFrom(from, after(key(table)), row)
	}
}

// scanFrom reads up to a row or a page that is damaged and tells where to go on; nil: there is no more.
func (c *checker) scanFrom(from, to []byte, row func(k, v []byte)) (next []byte) {
	last := from
	defer func() {
		v := recover()
		if d, ok := v.(*Damage); ok {
			next = c.behind(d, last, to)
		} else if v != nil {
			panic(v)
		}
	}()
	for k, v := range c.tx.Scan(from, to) {
		c.checked.Rows++
		if c.done += int64(len(k) + len(v)); c.progress != nil && c.checked.Rows%1000 == 0 {
			c.progress(c.done)
		}
		if c.ctx.Err() != nil {
			return nil
		}
		if v := c.look(k); v == nil {
			c.wrong(doRestore, c.row(k), "it is there and is not found")
		}
		row(k, v)
		last = append(bytes.Clone(k), 0)
	}
	return nil
}

// behind a damaged row, or the hole that a scan fell into.
func (c *checker) behind(d *Damage, last, to []byte) []byte {
	if d.Row {
		c.wrong(doRestore, c.row(d.Key), "%s", d.Cause)
		return append(bytes.Clone(d.Key), 0)
	}
	var next []byte
	for _, h := range c.holes {
		if h.From != nil && h.From[0] == last[0] && bytes.Compare(h.To, last) > 0 && (next == nil || bytes.Compare(h.To, next) < 0) {
			next = h.To
		}
	}
	if next == nil {
		c.wrong(doRestore, c.between(last, to), "cannot be read: %s", d.Cause)
	}
	if next == nil || bytes.Compare(next, to) >= 0 {
		return nil
	}
	return next
}

// unreadable is what look gives for a row that is damaged, which the scan of its table reports.
var unreadable = []byte{}

func (c *checker) look(k []byte) (v []byte) {
	defer func() {
		r := recover()
		if _, ok := r.(*Damage); ok {
			v = unreadable
		} else if r != nil {
			panic(r)
		}
	}()
	return c.tx.Get(k)
}

func (c *checker) has(k []byte) bool { return c.look(k) != nil }

// starts tells whether there is a row that starts with a prefix.
func (c *checker) starts(prefix []byte) (yes bool) {
	defer func() {
		r := recover()
		if _, ok := r.(*Damage); ok {
			yes = true
		} else if r != nil {
			panic(r)
		}
	}()
	for range c.tx.Keys(prefix, after(prefix)) {
		return true
	}
	return false
}

var errUnreadable = errors.New("it cannot be read")

// find reads another row. ErrNotFound when it is missing; another error says that it is damaged, which its own table reports.
func find[T any](c *checker, k []byte) (v T, err error) {
	b := c.look(k)
	switch {
	case b == nil:
		return v, ErrNotFound
	case len(b) == 0:
		return v, errUnreadable
	}
	return v, decode(b, &v)
}

func missing[T any](c *checker, k []byte) bool {
	_, err := find[T](c, k)
	return errors.Is(err, ErrNotFound)
}

// record decodes a row of a table of records.
func record[T any](c *checker, k, b []byte) (v T, ok bool) {
	if err := decode(b, &v); err != nil {
		c.wrong(doRestore, c.row(k), "%v", err)
		return v, false
	}
	return v, true
}

// list of a row whose key starts with one; nil when it is being removed, and after a complaint when it is not there.
func (c *checker) list(k []byte) *tally {
	if len(k) < 9 {
		c.wrong(doRestore, c.row(k), "its key is too short")
		return nil
	}
	id := binary.BigEndian.Uint64(k[1:])
	if t := c.lists[id]; t != nil {
		return t
	}
	if !slices.Contains(c.gone, id) {
		c.wrong(doReport, c.row(k), "its list is not there")
	}
	return nil
}

func (c *checker) site() {
	rec, err := find[site](c, siteRecord)
	switch {
	case errors.Is(err, ErrNotFound):
		c.wrong(doRestore, "the site record", "it is missing, and with it the key of all links and return paths")
	case err == nil && len(rec.Key) != 32:
		c.wrong(doRestore, "the site record", "its key has %d bytes", len(rec.Key))
	case err == nil && rec.Format > format:
		c.wrong("use a newer sangam", "the site record", "the store has format %d and this program knows up to %d", rec.Format, format)
	case err == nil:
		c.store = &Store{key: rec.Key}
	}
	c.counters = map[string]uint64{}
	c.scan(tSite, func(k, v []byte) {
		if !bytes.Equal(k, siteRecord) {
			c.counters[string(k)] = lastNumber(v)
			return
		}
		record[site](c, k, v)
	})
}

// below reports a number that a counter has not given yet.
func (c *checker) below(counter []byte, n uint64, what string) {
	if at := c.counters[string(counter)]; n > at && len(c.look(counter)) != 0 || !c.has(counter) {
		c.wrong(doReport, what, "its number is %d and the counter stands at %d", n, at)
	}
}

func (c *checker) listRows() {
	c.scan(tListGone, func(k, _ []byte) { c.gone = append(c.gone, lastNumber(k)) })
	c.scan(tList, func(k, v []byte) {
		l, ok := record[List](c, k, v)
		c.lists[lastNumber(k)] = &tally{name: string(l.Address()), months: map[string]uint64{}}
		if !ok {
			c.lists[lastNumber(k)].name = fmt.Sprintf("list %d", lastNumber(k))
			return
		}
		c.checked.Lists++
		if l.ID != lastNumber(k) {
			c.wrong(doReport, "list "+string(l.Address()), "it says it is list %d and is kept as %d", l.ID, lastNumber(k))
		}
		if name := c.look(key(tListName, l.Address())); name == nil || len(name) > 0 && lastNumber(name) != l.ID {
			c.wrong(doReport, "list "+string(l.Address()), "it is not found by its address")
		}
		c.below(listCounter, l.ID, "list "+string(l.Address()))
		c.below(validityCounter, uint64(l.UIDValidity), "UIDVALIDITY of list "+string(l.Address()))
	})
	c.scan(tListName, func(k, v []byte) {
		if l, err := find[List](c, key(tList, lastNumber(v))); errors.Is(err, ErrNotFound) || err == nil && string(l.Address()) != string(k[1:]) {
			c.wrong(doReport, "address "+string(k[1:]), "it belongs to list %d, which is not there or has another", lastNumber(v))
		}
	})
}

// same reports a counter that does not say what was counted.
func (c *checker) same(what string, says, counted uint64) {
	if says != counted {
		c.wrong(doReport, what, "it says %d and there are %d", says, counted)
	}
}

// totals compares the counters of every list with what was counted.
func (c *checker) totals() {
	for id, t := range c.lists {
		of := " of " + t.name
		if log, err := find[Log](c, key(tLog, id)); err == nil || errors.Is(err, ErrNotFound) {
			c.same("the last number"+of, log.Last, t.last)
			c.same("the numbers"+of, log.Last, t.posts)
			c.same("the count of posts"+of, log.Count, t.alive)
			c.same("the size of all posts"+of, log.Bytes, t.bytes)
			c.same("the count of threads"+of, log.Threads, t.threads)
			c.same("the count of changes"+of, log.Redactions, t.redactions)
		}
		c.same("the index by order of acceptance"+of, t.sequences, t.posts)
		c.same("the index by Message-ID"+of, t.identities, t.posts)
		c.same("the index of removed posts"+of, t.removed, t.posts-t.alive)
		c.same("the index by month"+of, t.monthRows, t.alive)
		c.same("the index of threads by their posts"+of, t.threadPosts, t.posts)
		c.same("the index of threads by their newest post"+of, t.latest, t.threads)
		if n := c.look(key(tMemberCount, id)); n == nil || len(n) > 0 {
			c.same("the count of members"+of, lastNumber(n), t.members)
		}
		c.jobCount(id, t.jobs, of)
		for month, n := range t.months {
			if v := c.look(key(tMonthCount, id, month)); v == nil || len(v) > 0 {
				c.same("the count of "+month+of, lastNumber(v), n)
			}
		}
	}
}
