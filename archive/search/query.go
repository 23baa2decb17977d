package search

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Query is what to find: one term of every group, and none that is excluded. Nothing in it finds every post.
type Query struct {
	Groups        [][]Term
	Excluded      []Term
	Since, Before time.Time // days (UTC) of the Date; since is within, before is not; zero: no bound
}

// Field says where a term is looked for.
type Field string

const (
	Anywhere Field = "" // subject, author, text, quotes, attached texts, names of files
	Subject  Field = "subject"
	From     Field = "from" // name and address; the last word may be a beginning
	To       Field = "to"   // To and Cc, as From
	Filename Field = "filename"
	Has      Field = "has"  // attachment
	InList   Field = "list" // name or address of a list
	after    Field = "after"
	before   Field = "before"
)

// Term is one thing to find.
type Term struct {
	Field  Field
	Text   string
	Phrase bool // the words as they are, in this order
}

// fields of the query language by what is typed, with an example of each.
var fields = map[string]struct {
	Field
	example string
}{
	"subject": {Subject, "subject:vaccine"}, "from": {From, "from:asha"}, "to": {To, "to:ravi"}, "filename": {Filename, "filename:report"},
	"has": {Has, "has:attachment"}, "list": {InList, "list:heplink"}, "after": {after, "after:2026-01-31"}, "since": {after, "since:2026-01-31"},
	"before": {before, "before:2026-01-31"},
}

// Bounds of a query.
const (
	maxQuery = 2000 // bytes
	maxTerms = 50
)

// Mistake is a part of a query that cannot be read.
type Mistake struct {
	Given   string
	Example string // of what can be
}

func (m Mistake) Error() string {
	return fmt.Sprintf("%q cannot be searched for: write it like %s", m.Given, m.Example)
}

// Parse reads a query as people type it: words, "a phrase", from: to: subject: filename: list: has:attachment after: before:, - before what
// is not wanted, OR between two of which one is enough. The error is a Mistake. Known names alone make a field: others are words.
func Parse(text string) (q Query, err error) {
	p := parser{rest: quotes.Replace(text)}
	if len(text) > maxQuery {
		return q, Mistake{cutRunes(text, 30) + "…", "a few words"}
	}
	for p.next() {
		if p.err != nil {
			return Query{}, p.err
		}
	}
	if p.open {
		return Query{}, Mistake{"OR", "hepatitis OR jaundice"}
	}
	if p.terms == 0 {
		return Query{}, Mistake{cutRunes(strings.TrimSpace(text), 30), "hepatitis from:asha"}
	}
	return p.Query, nil
}

// quotes that programs type for people.
var quotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "：", ":", "\u00a0", " ")

func cutRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// parser reads one item after the other.
type parser struct {
	Query
	rest     string
	terms    int
	open     bool // OR waits for its second term
	mayJoin  bool // the item before is one that OR may follow
	excludes bool // NOT stood before
	err      error
}

// next reads an item; false at the end.
func (p *parser) next() bool {
	p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	if p.rest == "" {
		return false
	}
	minus := strings.HasPrefix(p.rest, "-")
	if minus {
		p.rest = p.rest[1:]
	}
	t, name := p.term()
	switch {
	case p.err != nil:
	case !minus && name == "" && !t.Phrase && (t.Text == "OR" || t.Text == "|"):
		if p.open || !p.mayJoin {
			p.err = Mistake{"OR", "hepatitis OR jaundice"}
		}
		p.open = true
	case !minus && name == "" && !t.Phrase && t.Text == "AND":
	case !minus && name == "" && !t.Phrase && t.Text == "NOT":
		p.excludes = true
	default:
		p.add(t, name, minus || p.excludes)
		p.excludes = false
	}
	return true
}

// term reads what is up to a blank, or to the second quotation mark.
func (p *parser) term() (t Term, name string) {
	if n := strings.IndexFunc(p.rest, func(r rune) bool { return !unicode.IsLetter(r) }); n > 0 && p.rest[n] == ':' {
		if f, ok := fields[strings.ToLower(p.rest[:n])]; ok {
			name = strings.ToLower(p.rest[:n])
			t.Field, p.rest = f.Field, p.rest[n+1:]
		}
	}
	if strings.HasPrefix(p.rest, `"`) {
		t.Phrase = true
		t.Text, p.rest, _ = strings.Cut(p.rest[1:], `"`)
		return t, name
	}
	end := strings.IndexFunc(p.rest, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		end = len(p.rest)
	}
	t.Text, p.rest = p.rest[:end], p.rest[end:]
	return t, name
}

// add puts a term in its place. One without words is passed over, unless a field stands before it.
func (p *parser) add(t Term, name string, excluded bool) {
	given := strings.TrimPrefix(name+":"+cutRunes(t.Text, 40), ":")
	if !hasWords(t.Text) {
		if name != "" {
			p.err = Mistake{given, fields[name].example}
		}
		return
	}
	if p.terms++; p.terms > maxTerms {
		p.err = Mistake{cutRunes(t.Text, 30) + "…", "a few words"}
		return
	}
	switch t.Field {
	case after, before:
		p.day(t, Mistake{given, fields[name].example}, excluded)
		return
	case Has:
		switch strings.ToLower(t.Text) {
		case "attachment", "attachments", "file", "files":
		default:
			p.err = Mistake{given, fields[name].example}
			return
		}
	}
	switch {
	case excluded && p.open:
		p.err = Mistake{"OR -" + given, "hepatitis OR jaundice"}
	case excluded:
		p.Excluded = append(p.Excluded, t)
	case p.open:
		last := len(p.Groups) - 1
		p.Groups[last] = append(p.Groups[last], t)
	default:
		p.Groups = append(p.Groups, []Term{t})
	}
	p.open, p.mayJoin = false, !excluded
}

// day narrows the dates.
func (p *parser) day(t Term, m Mistake, excluded bool) {
	day, ok := ParseDay(t.Text)
	switch {
	case !ok || excluded || p.open:
		p.err = m
	case t.Field == after && day.After(p.Since):
		p.Since = day
	case t.Field == before && (p.Before.IsZero() || day.Before(p.Before)):
		p.Before = day
	}
	p.mayJoin = false
}

// ParseDay reads a day, or the first of a month or a year: 2026-01-31, 2026-01, 2026.
func ParseDay(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006-1-2", "2006/1/2", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func hasWords(s string) bool {
	for range words(s) {
		return true
	}
	return false
}
