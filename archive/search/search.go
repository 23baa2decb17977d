// Package search finds posts in the archive of a list. Mail commands, command line and pages ask it.
package search

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Query is what to find: posts that have every word. What is empty does not narrow it.
type Query struct {
	Words   []string  // in subject, author or text; several words in one are a phrase
	Subject []string  // in the subject
	From    string    // in the author's name or address
	Since   time.Time // not before
	Limit   int       // at most so many
}

// Hit is a post that was found.
type Hit struct {
	Post    store.Post
	Excerpt string // of the text around the first word
}

// Scan searches by reading the posts.
type Scan struct{ Store *store.Store }

// Bounds of one search: how many posts are looked through, newest first, and how much of each.
const (
	maxScanned = 20_000
	maxText    = 200_000
)

// Search returns the best posts first: those whose subject has the words, then those that have them more often, then newer ones.
func (s Scan) Search(ctx context.Context, l store.List, q Query) ([]Hit, error) {
	log, err := s.Store.Log(l.ID)
	if err != nil {
		return nil, err
	}
	from := uint64(1)
	if log.Last > maxScanned {
		from = log.Last - maxScanned + 1
	}
	m := newMatcher(q)
	type ranked struct {
		Hit
		score int
	}
	var hits []ranked
	for p, err := range s.Store.Posts(l.ID, from, log.Last) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.Removed || !m.describes(p) {
			continue
		}
		text := ""
		if len(m.words) > 0 {
			raw, err := s.Store.Raw(p.List, p.Number)
			if err != nil {
				continue // removed a moment ago
			}
			text = archive.Read(raw).Text
			text = text[:min(len(text), maxText)]
		}
		if score, ok := m.score(p, text); ok {
			hits = append(hits, ranked{Hit{p, m.excerpt(text)}, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b ranked) int {
		if a.score != b.score {
			return b.score - a.score
		}
		return int(int64(b.Post.Number) - int64(a.Post.Number))
	})
	var best []Hit
	for _, h := range hits[:min(len(hits), max(q.Limit, 0))] {
		best = append(best, h.Hit)
	}
	return best, nil
}

type matcher struct {
	Query
	words, subject []string
	from           string
}

func newMatcher(q Query) matcher {
	m := matcher{Query: q, from: fold(q.From)}
	for _, w := range q.Words {
		if w = fold(w); w != "" {
			m.words = append(m.words, w)
		}
	}
	for _, w := range q.Subject {
		if w = fold(w); w != "" {
			m.subject = append(m.subject, w)
		}
	}
	return m
}

// fold makes text comparable: case, accents and forms of the same letter apart (Unicode NFKD without marks of Latin, Greek and Cyrillic).
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var base rune
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if unicode.Is(unicode.Mn, r) && (base < 0x250 || base >= 0x370 && base < 0x530) {
			continue
		}
		base = r
		if unicode.IsSpace(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// describes checks what the post's record tells.
func (m matcher) describes(p store.Post) bool {
	if p.Received.Before(m.Since) && p.Date.Before(m.Since) {
		return false
	}
	if m.from != "" && !strings.Contains(fold(p.From)+" "+string(p.Author), m.from) {
		return false
	}
	subject := fold(p.Subject)
	for _, w := range m.subject {
		if !strings.Contains(subject, w) {
			return false
		}
	}
	return true
}

// score is higher the better a post fits; false when a word is missing.
func (m matcher) score(p store.Post, text string) (int, bool) {
	if len(m.words) == 0 {
		return 0, true
	}
	subject, author, body := fold(p.Subject), fold(p.From)+" "+string(p.Author), fold(text)
	total := 0
	for _, w := range m.words {
		n := min(count(body, w), 5) + 10*min(count(subject, w), 1) + 3*min(count(author, w), 1)
		if n == 0 {
			return 0, false
		}
		total += n
	}
	return total, true
}

// count how often a word begins in a text.
func count(text, word string) (n int) {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return n
		}
		i += at
		before := []rune(text[max(0, i-4):i])
		if len(before) == 0 || !unicode.IsLetter(before[len(before)-1]) && !unicode.IsDigit(before[len(before)-1]) {
			n++
		}
		at = i + len(word)
	}
}

// excerptSize in bytes on either side of the word.
const excerptSize = 90

// excerpt is the text around the first word, on one line; quotes last.
func (m matcher) excerpt(text string) string {
	var own, quoted []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, ">") {
			quoted = append(quoted, strings.TrimLeft(line, "> "))
		} else if line != "" {
			own = append(own, line)
		}
	}
	for _, lines := range [][]string{own, quoted} {
		all := strings.Join(lines, " ")
		for _, w := range m.words {
			if i := strings.Index(strings.ToLower(all), w); i >= 0 && i < len(all) {
				return around(all, i)
			}
		}
	}
	return around(strings.Join(own, " "), 0)
}

func around(s string, at int) string {
	start, end := max(0, at-excerptSize), min(len(s), at+2*excerptSize)
	out := strings.TrimSpace(strings.ToValidUTF8(s[start:end], ""))
	if start > 0 {
		out = "… " + out
	}
	if end < len(s) {
		out += " …"
	}
	return out
}
