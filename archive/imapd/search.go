package imapd

import (
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/text/unicode/norm"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/imapd/wire"
)

// search (RFC 9051 section 6.4.4) reads what a criterion needs and no more: flags and numbers from memory, dates and sizes from the
// post, the bytes for header fields and text.
func (x *session) search(c *wire.Command) (string, error) {
	byUID := c.Name == "UID SEARCH"
	c.SP()
	s := c.Search()
	err := c.End()
	v := x.view
	if err != nil {
		if s.ReturnSave {
			v.saved = nil
		}
		return "", err
	}
	s.Extended = s.Extended || x.rev2
	var seqs, uids []uint32
	v.sets, v.texts = map[*imap.SearchCriteria][][]span{}, map[looked]indexed{}
	spans, err := x.candidates(v, &s.Criteria)
	if err != nil {
		return "", err
	}
	for m, err := range x.messages(v, spans) {
		ok := false
		if err == nil {
			ok, err = x.matches(m, &s.Criteria)
		}
		if err != nil {
			return "", err
		}
		if ok {
			seqs, uids = append(seqs, m.seq), append(uids, m.uid)
		}
	}
	if s.ReturnSave {
		v.save(s, uids)
	}
	if !s.ReturnSave || s.ReturnAll || s.ReturnCount || s.ReturnMin || s.ReturnMax {
		x.out.Search(c.Tag, s, byUID, found(byUID, seqs, uids))
	}
	return "", nil
}

// save keeps the result of RETURN (SAVE): all of it, or what MIN and MAX return when nothing else is asked for (RFC 5182 section 2.4).
func (v *view) save(s *wire.Search, uids []uint32) {
	v.saved = nil
	if n := len(uids); n > 0 && (s.ReturnMin || s.ReturnMax) && !s.ReturnAll && !s.ReturnCount {
		ends := []uint32{}
		if s.ReturnMin {
			ends = append(ends, uids[0])
		}
		if s.ReturnMax {
			ends = append(ends, uids[n-1])
		}
		uids = ends
	}
	for _, uid := range uids {
		v.saved.AddNum(imap.UID(uid))
	}
}

func found(byUID bool, seqs, uids []uint32) *imap.SearchData {
	data := &imap.SearchData{Count: uint32(len(uids))}
	numbers := seqs
	if byUID {
		numbers = uids
		set := imap.UIDSet{}
		for _, n := range uids {
			set.AddNum(imap.UID(n))
		}
		data.All = set
	} else {
		set := imap.SeqSet{}
		set.AddNum(seqs...)
		data.All = set
	}
	if len(numbers) > 0 {
		data.Min, data.Max = numbers[0], numbers[len(numbers)-1]
	}
	return data
}

func (x *session) matches(m *message, c *imap.SearchCriteria) (bool, error) {
	if !m.inSets(c) || !m.inRange(c) {
		return false, nil
	}
	if ok, err := x.hasFlags(m, c); !ok || err != nil {
		return false, err
	}
	if ok, err := m.says(c); !ok || err != nil {
		return false, err
	}
	for i := range c.Not {
		if ok, err := x.matches(m, &c.Not[i]); ok || err != nil {
			return false, err
		}
	}
	for i := range c.Or {
		ok, err := x.matches(m, &c.Or[i][0])
		if err == nil && !ok {
			ok, err = x.matches(m, &c.Or[i][1])
		}
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// inSets looks up the number in the criterion's sets, which are read once a search.
func (m *message) inSets(c *imap.SearchCriteria) bool {
	if len(c.SeqNum)+len(c.UID) == 0 {
		return true
	}
	sets, ok := m.v.sets[c]
	if !ok {
		for _, s := range c.SeqNum {
			sets = append(sets, m.v.resolve(s))
		}
		for _, s := range c.UID {
			sets = append(sets, m.v.resolve(s))
		}
		m.v.sets[c] = sets
	}
	return !slices.ContainsFunc(sets, func(set []span) bool {
		at := sort.Search(len(set), func(i int) bool { return set[i].to >= m.seq })
		return at == len(set) || set[at].from > m.seq
	})
}

// within compares days as they are written in t's own zone, RFC 9051 section 6.4.4.
func within(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return !day.Before(since) && (before.IsZero() || day.Before(before))
}

func (m *message) inRange(c *imap.SearchCriteria) bool {
	return within(m.post.Received, c.Since, c.Before) && (c.Larger == 0 || m.post.Size > c.Larger) && (c.Smaller == 0 || m.post.Size < c.Smaller) &&
		(c.SentSince.IsZero() && c.SentBefore.IsZero() || within(m.sent(), c.SentSince, c.SentBefore))
}

// sent is the Date field with its zone; where it cannot be read, what stands for it.
func (m *message) sent() time.Time {
	if e, err := m.envelope(); err == nil {
		if t, ok := archive.ParseDate(e.Date); ok {
			return t
		}
	}
	return m.post.Date
}

func (x *session) hasFlags(m *message, c *imap.SearchCriteria) (bool, error) {
	if len(c.Flag)+len(c.NotFlag) == 0 {
		return true, nil
	}
	f, err := x.loadFlags(m.v, m.list)
	if err != nil {
		return false, err
	}
	has := func(flag imap.Flag) bool {
		for name, set := range f {
			if strings.EqualFold(name, string(flag)) && set.Has(m.number) {
				return true
			}
		}
		return false
	}
	for _, flag := range c.Flag {
		if !has(flag) {
			return false, nil
		}
	}
	for _, flag := range c.NotFlag {
		if has(flag) {
			return false, nil
		}
	}
	return true, nil
}

// says tells whether header fields and text hold what is looked for.
func (m *message) says(c *imap.SearchCriteria) (bool, error) {
	if len(c.Header)+len(c.Body)+len(c.Text) == 0 {
		return true, nil
	}
	if ok, err := m.holds(c.Body, false); !ok || err != nil {
		return false, err
	}
	if ok, err := m.holds(c.Text, true); !ok || err != nil || len(c.Header) == 0 {
		return ok, err
	}
	root, err := m.tree()
	if err != nil {
		return false, err
	}
	for _, want := range c.Header {
		if !inField(root.Header(), want.Key, want.Value) {
			return false, nil
		}
	}
	return true, nil
}

// inField looks for letters in any case; without accents when the value has none either.
func inField(h archive.Header, name, value string) bool {
	if value == "" {
		return h.Has(name)
	}
	alike := fold
	if lower := lowered(value); fold(value) != lower {
		alike = lowered
	}
	want := alike(value)
	if strings.Contains(alike(h.Text(name)), want) {
		return true
	}
	for _, v := range h.Values(name) {
		if strings.Contains(alike(v), want) {
			return true
		}
	}
	return false
}

func lowered(s string) string { return strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(s, " "))) }

// fold makes letters alike that readers take for the same: case, and the accents of Latin, Greek and Cyrillic letters. The marks of
// other scripts are letters of their own.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36f {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(strings.ToValidUTF8(s, " ")))
}
