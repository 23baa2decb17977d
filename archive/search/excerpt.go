package search

import (
	"slices"
	"strings"
)

// Excerpt is a piece of a post's text, some parts of which are what was looked for.
type Excerpt []Part

// Part of an excerpt.
type Part struct {
	Text  string
	Found bool
}

func (e Excerpt) String() string {
	var b strings.Builder
	for _, p := range e {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Sizes of an excerpt, in bytes.
const (
	excerptSize  = 240
	excerptStart = 60      // before the first word that was found
	maxLooked    = 200_000 // of a text
	maxPlaces    = 1000    // that are compared
)

// marker finds the words of a query in texts.
type marker struct {
	terms map[string]int // words and pairs of letters as they are: which word of the query it is
	stems map[string]int
	alone []string // letters that are looked for alone
}

func newMarker(q Query) *marker {
	m := &marker{terms: map[string]int{}, stems: map[string]int{}}
	for _, group := range q.Groups {
		for _, t := range group {
			if t.Field != Anywhere && t.Field != Subject {
				continue
			}
			list := slices.Collect(words(t.Text))
			for i, w := range list {
				n := len(m.terms)
				if w.joined && i > 0 && list[i-1].joined && list[i-1].end == w.end {
					continue // the last letter of a run
				}
				if w.joined && len(w.term) <= maxLetter {
					m.alone = append(m.alone, w.term)
				}
				m.terms[w.term] = n
				if len(list) == 1 && !t.Phrase {
					for _, s := range stemsOf(w.term) {
						m.stems[s] = n
					}
				}
			}
		}
	}
	return m
}

// place of a word that was found.
type place struct{ start, end, of int }

// places in a text, ascending.
func (m *marker) places(text string) (ps []place) {
	if len(m.terms) == 0 {
		return nil
	}
	var t tongue
	if len(m.stems) > 0 {
		t = detect(text)
	}
	for w := range words(text) {
		of, ok := m.terms[w.term]
		if !ok && w.joined {
			ok = slices.ContainsFunc(m.alone, func(letter string) bool { return strings.HasPrefix(w.term, letter) })
			if ok {
				w.end = w.start + len(firstLetter(text[w.start:w.end]))
			}
		} else if !ok && len(m.stems) > 0 {
			if language := t[scriptOf(w.term)]; language != "" {
				if s := stem(language, w.term); s != "" {
					of, ok = m.stems[stemTerm(language, s)]
				}
			}
		}
		if !ok {
			continue
		}
		if n := len(ps); n > 0 && w.start < ps[n-1].end {
			ps[n-1].end = max(ps[n-1].end, w.end)
			continue
		}
		if ps = append(ps, place{w.start, w.end, of}); len(ps) == maxPlaces {
			break
		}
	}
	return ps
}

func firstLetter(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// excerpt of what the author wrote; of the rest when nothing of it was found there.
func (m *marker) excerpt(own, rest string) Excerpt {
	own, rest = line(own), line(rest)
	if ps := m.places(own); len(ps) > 0 {
		return piece(own, ps)
	}
	if ps := m.places(rest); len(ps) > 0 {
		return piece(rest, ps)
	}
	if own == "" {
		own = rest
	}
	return piece(own, nil)
}

// line joins a text to one line without marks of quotes.
func line(text string) string {
	if len(text) > maxLooked {
		text = strings.ToValidUTF8(text[:maxLooked], "")
	}
	var b strings.Builder
	b.Grow(len(text))
	for l := range strings.SplitSeq(text, "\n") {
		for w := range strings.FieldsSeq(strings.TrimLeft(l, "> |")) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(w)
		}
	}
	return b.String()
}

// piece cuts out where most different words were found.
func piece(text string, ps []place) Excerpt {
	from := 0
	if len(ps) > 0 {
		first := densest(ps)
		if ps[first].start > excerptStart {
			from = blankBefore(text, ps[first].start-excerptStart, ps[first].start)
		}
	}
	to := len(text)
	if from+excerptSize < to {
		to = blankBefore(text, from+excerptSize*4/5, from+excerptSize)
	}
	var e Excerpt
	add := func(s string, found bool) {
		if s != "" {
			e = append(e, Part{s, found})
		}
	}
	if from > 0 {
		add("… ", false)
	}
	at := from
	for _, p := range ps {
		if p.start >= at && p.end <= to {
			add(text[at:p.start], false)
			add(text[p.start:p.end], true)
			at = p.end
		}
	}
	add(strings.TrimRight(text[at:to], " "), false)
	if to < len(text) {
		add(" …", false)
	}
	return e
}

// densest is the first place of the piece with most different words.
func densest(ps []place) (best int) {
	most := 0
	for i := range ps {
		seen := map[int]bool{}
		for _, p := range ps[i:] {
			if p.end > ps[i].start+excerptSize-excerptStart {
				break
			}
			seen[p.of] = true
		}
		if len(seen) > most {
			best, most = i, len(seen)
		}
	}
	return best
}

// blankBefore is where a word begins between two places of a text, or where a letter does.
func blankBefore(text string, from, to int) int {
	if i := strings.IndexByte(text[from:to], ' '); i >= 0 {
		return from + i + 1
	}
	for from > 0 && text[from]&0xC0 == 0x80 {
		from--
	}
	return from
}
