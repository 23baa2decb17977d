package search

import (
	"context"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Fields that hold the text of a message, and its header as far as IMAP searches it as text.
var (
	bodyFields = []string{inOwn, inQuoted, inAttached}
	textFields = []string{inSubject, inAuthors, inTos, inHead, inOwn, inQuoted, inAttached}
)

// Numbers are those of posts that were found in a list.
type Numbers struct {
	set  store.NumSet
	Upto uint64 // posts behind it are not in the index yet
}

// Has tells whether a post was found.
func (n *Numbers) Has(number uint64) bool { return n.set.Has(number) }

// Containing finds the posts of a list whose text, or with header text and header, holds words in their order, the last of which may go on
// (IMAP SEARCH BODY and TEXT). ok is false when the text is so short that reading the posts is no slower.
func (x *Index) Containing(ctx context.Context, list store.List, text string, header bool) (n Numbers, ok bool, err error) {
	in := bodyFields
	if header {
		in = textFields
	}
	err = x.use(func(e *engine) error {
		return e.read(func(reader index.IndexReader) error {
			at, err := e.cursor(list.ID)
			if err != nil {
				return err
			}
			n.Upto = at.Upto
			every, err := e.onlyHolds([]store.List{list})
			if err != nil {
				return err
			}
			c := &compiler{ctx: ctx, reader: reader, lists: []store.List{list}, domain: x.DefaultDomain, every: every, most: maxOfText}
			s, whole, err := c.containing(text, in)
			if err != nil || !whole {
				return err
			}
			defer s.Close()
			ok = true
			return each(ctx, s, reader, func(m *search.DocumentMatch) error {
				id, err := reader.ExternalID(m.IndexInternalID)
				if err == nil {
					_, number := parseID(id)
					n.set.Add(number)
				}
				return err
			})
		})
	})
	return n, ok, err
}

// containing is not whole when a beginning stands for too many words.
func (c *compiler) containing(text string, in []string) (s search.Searcher, whole bool, err error) {
	list := slices.Collect(words(text))
	if len(list) == 0 {
		return nil, false, nil
	}
	var found []search.Searcher
	for _, f := range in {
		s, err := c.inField(list, f, true, 1, unranked)
		if err != nil || c.more {
			return nil, false, err
		}
		found = append(found, s)
	}
	if s, err = c.any(found); err != nil || c.every {
		return s, err == nil, err
	}
	l, err := c.inLists(c.lists)
	if err != nil {
		return nil, false, err
	}
	s, err = searcher.NewConjunctionSearcher(c.ctx, c.reader, []search.Searcher{l, s}, unranked)
	return s, err == nil, err
}

// Texts are those of a message in which Containing looks: what the author wrote, other text that is shown, and what is attached.
func Texts(raw []byte) []string {
	body := archive.Read(raw)
	own, rest := body.Divide()
	return []string{own, rest, archive.AttachedText(raw, &body)}
}

// HeaderTexts are those of a header in which Containing looks.
func HeaderTexts(h archive.Header) []string {
	return []string{h.Text("Subject"), h.Text("From"), recipients(h), headText(h)}
}

// Holds tells of one text what Containing tells of posts, without an index. A text without words holds nothing, and is in every one.
func Holds(text, wanted string) bool {
	list := slices.Collect(words(wanted))
	if n := len(list); n > 1 && list[n-1].joined && list[n-2].joined && list[n-2].end == list[n-1].end {
		list = list[:n-1]
	}
	if len(list) == 0 {
		return true
	}
	var last []string // words of the text
	for w := range words(text) {
		if last = append(last, w.term); len(last) > len(list) {
			last = last[1:]
		}
		if len(last) == len(list) && slices.EqualFunc(last[:len(last)-1], list[:len(list)-1], func(a string, b word) bool { return a == b.term }) &&
			strings.HasPrefix(w.term, list[len(list)-1].term) {
			return true
		}
	}
	return false
}
