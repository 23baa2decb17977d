package wire

import (
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Search is what a client looks for, RFC 9051 section 6.4.4.
type Search struct {
	imap.SearchOptions
	Extended bool // RETURN was said: answer with ESEARCH
	Criteria imap.SearchCriteria
}

// Search reads the arguments of SEARCH. Text in other charsets than UTF-8 and US-ASCII is refused with NO.
func (a *Args) Search() *Search {
	s := &Search{}
	key := a.searchWord()
	if key == "RETURN" {
		s.Extended = true
		a.SP()
		a.List(func() { s.option(a) })
		a.SP()
		key = a.searchWord()
	}
	if !s.ReturnMin && !s.ReturnMax && !s.ReturnCount && !s.ReturnSave {
		s.ReturnAll = true
	}
	if key == "CHARSET" {
		a.SP()
		if charset := strings.ToUpper(a.AString()); a.err == nil && charset != "UTF-8" && charset != "US-ASCII" {
			a.err = &imap.Error{Type: imap.StatusResponseTypeNo, Code: "BADCHARSET (US-ASCII UTF-8)", Text: "Only US-ASCII and UTF-8 can be searched for"}
			return s
		}
		a.SP()
		key = a.searchWord()
	}
	for a.key(&s.Criteria, key); a.Accept(' ') && !a.Next('\r'); {
		a.key(&s.Criteria, a.searchWord())
	}
	return s
}

func (s *Search) option(a *Args) {
	switch name := a.Word(); name {
	case "MIN":
		s.ReturnMin = true
	case "MAX":
		s.ReturnMax = true
	case "ALL":
		s.ReturnAll = true
	case "COUNT":
		s.ReturnCount = true
	case "SAVE":
		s.ReturnSave = true
	default:
		a.Fail("%q cannot be returned", cut([]byte(name)))
	}
}

// searchWord is the word of a key, "(" for a list of keys, and "1" for a set, of which nothing is read.
func (a *Args) searchWord() string {
	switch c := a.next(); {
	case c == '(' || c == '$':
		return string(rune(c))
	case isDigit(c) || c == '*':
		return "1"
	}
	return a.Word()
}

// flagKeys are keys that ask for a flag.
var flagKeys = map[string]imap.Flag{
	"ANSWERED": imap.FlagAnswered, "DELETED": imap.FlagDeleted, "DRAFT": imap.FlagDraft, "FLAGGED": imap.FlagFlagged, "SEEN": imap.FlagSeen,
	"RECENT": `\Recent`,
}

// key adds one key to the criteria.
func (a *Args) key(c *imap.SearchCriteria, key string) {
	if flag, ok := flagKeys[key]; ok {
		c.Flag = append(c.Flag, flag)
		return
	}
	if flag, ok := flagKeys[strings.TrimPrefix(key, "UN")]; ok && key != "UNRECENT" {
		c.NotFlag = append(c.NotFlag, flag)
		return
	}
	switch key {
	case "ALL":
	case "NEW":
		c.Flag, c.NotFlag = append(c.Flag, `\Recent`), append(c.NotFlag, imap.FlagSeen)
	case "OLD":
		c.NotFlag = append(c.NotFlag, `\Recent`)
	case "1":
		c.SeqNum = append(c.SeqNum, a.SeqSet())
	case "$":
		a.Expect('$')
		c.UID = append(c.UID, imap.SearchRes())
	case "(":
		a.keys(c)
	default:
		if a.SP(); a.err == nil {
			a.keyWithArgument(c, key)
		}
	}
}

// keys of a list: all must hold.
func (a *Args) keys(c *imap.SearchCriteria) {
	n := 0
	a.List(func() {
		n++
		a.key(c, a.searchWord())
	})
	if n == 0 {
		a.Fail("A list of search keys must not be empty")
	}
}

func (a *Args) keyWithArgument(c *imap.SearchCriteria, key string) {
	switch key {
	case "UID":
		c.UID = append(c.UID, a.NumSet(true).(imap.UIDSet))
	case "KEYWORD":
		c.Flag = append(c.Flag, a.Flag())
	case "UNKEYWORD":
		c.NotFlag = append(c.NotFlag, a.Flag())
	case "BCC", "CC", "FROM", "SUBJECT", "TO":
		c.Header = append(c.Header, imap.SearchCriteriaHeaderField{Key: key, Value: a.AString()})
	case "HEADER":
		name := a.AString()
		a.SP()
		c.Header = append(c.Header, imap.SearchCriteriaHeaderField{Key: name, Value: a.AString()})
	case "BODY":
		c.Body = append(c.Body, a.AString())
	case "TEXT":
		c.Text = append(c.Text, a.AString())
	case "SINCE", "BEFORE", "ON", "SENTSINCE", "SENTBEFORE", "SENTON":
		dated(c, key, a.Date())
	case "LARGER", "SMALLER":
		sized(c, key, a.Number64())
	case "NOT":
		c.Not = append(c.Not, a.nested())
	case "OR":
		one := a.nested()
		a.SP()
		c.Or = append(c.Or, [2]imap.SearchCriteria{one, a.nested()})
	default:
		a.Fail("%q is no search key", cut([]byte(key)))
	}
}

func (a *Args) nested() (c imap.SearchCriteria) {
	defer a.Deeper()()
	if a.err == nil {
		a.key(&c, a.searchWord())
	}
	return c
}

// dated narrows a span of days. SearchCriteria.And is not used: it forgets SMALLER.
func dated(c *imap.SearchCriteria, key string, day time.Time) {
	from, to := &c.Since, &c.Before
	kind, sent := strings.CutPrefix(key, "SENT")
	if sent {
		from, to = &c.SentSince, &c.SentBefore
	}
	end := day
	if kind == "ON" {
		end = day.AddDate(0, 0, 1)
	}
	if kind != "BEFORE" && day.After(*from) {
		*from = day
	}
	if kind != "SINCE" && (to.IsZero() || end.Before(*to)) {
		*to = end
	}
}

// sized narrows the bounds of a size, where 0 stands for none: nothing is smaller than 1.
func sized(c *imap.SearchCriteria, key string, n int64) {
	switch {
	case key == "LARGER":
		c.Larger = max(c.Larger, n)
	case n == 0:
		c.Not = append(c.Not, imap.SearchCriteria{})
	case c.Smaller == 0 || n < c.Smaller:
		c.Smaller = n
	}
}

// Search writes the answer to a search: SEARCH, or ESEARCH (RFC 9051 section 7.3.4) of what was asked for.
func (w *Writer) Search(tag string, s *Search, uid bool, data *imap.SearchData) {
	if !s.Extended {
		w.Raw("* SEARCH")
		w.numbers(data.All)
		w.Raw("\r\n")
		return
	}
	w.Raw("* ESEARCH (TAG ").String(tag).Raw(")")
	if uid {
		w.Raw(" UID")
	}
	if s.ReturnMin && data.Min > 0 {
		w.Raw(" MIN ").Number(int64(data.Min))
	}
	if s.ReturnMax && data.Max > 0 {
		w.Raw(" MAX ").Number(int64(data.Max))
	}
	if s.ReturnAll && data.Count > 0 {
		w.Raw(" ALL ", data.All.String())
	}
	if s.ReturnCount {
		w.Raw(" COUNT ").Number(int64(data.Count))
	}
	w.Raw("\r\n")
}

// numbers of a set that has no *.
func (w *Writer) numbers(set imap.NumSet) {
	each := func(from, to uint32) {
		for n := int64(from); n <= int64(to); n++ {
			w.Raw(" ").Number(n)
		}
	}
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			each(r.Start, r.Stop)
		}
	case imap.UIDSet:
		for _, r := range set {
			each(uint32(r.Start), uint32(r.Stop))
		}
	}
}
