package search

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"

	"wesouthasians.org/sangam/store"
)

// weights of the fields in which words without a field are looked for. Quotes are found and have no weight.
var weights = []weighed{{inSubject, 4}, {inOwn, 2}, {inAuthor, 2}, {inFilenames, 1.5}, {inAttached, 0.5}, {inQuoted, 0}}

// stemWeights are those of words that are found by their stems.
var stemWeights = []weighed{{inStemsOf, 2}, {inStems, 1}}

type weighed struct {
	field  string
	weight float64
}

// usual numbers of words in the fields, for BM25: what is unusually long counts less. They are fixed, so that they need not be counted.
var usual = map[string]int{inSubject: 6, inOwn: 150, inQuoted: 200, inAttached: 500, inAuthor: 4, inAuthors: 6, inTo: 8, inTos: 10, inHead: 20,
	inFilenames: 4, inStems: 120, inStemsOf: 5, inList: 1, inTime: 1, inHas: 1, manyTerms: 1}

// manyTerms is what bleve calls the field of terms that it joined.
const manyTerms = "*"

// Bounds of the words that a beginning stands for.
const (
	maxExpanded = 500
	maxOfText   = 20_000 // of IMAP, where none may be missing
)

// compiler makes searchers of bleve from a query.
type compiler struct {
	ctx    context.Context
	reader index.IndexReader
	lists  []store.List
	domain string  // of lists that are named without theirs
	every  bool    // the index holds no list but these
	public bool    // strangers ask: addresses are found by what strangers see of them
	most   int     // words that a beginning may stand for
	more   bool    // one stands for more
	orders *orders // of words; made when there is a phrase
}

// ranked searches of bleve count how well a post fits, unranked ones take short cuts.
var (
	ranked   = search.SearcherOptions{}
	unranked = search.SearcherOptions{Score: "none"}
)

func (c *compiler) query(q Query) (search.Searcher, error) {
	var must []search.Searcher
	for _, group := range q.Groups {
		s, err := c.group(group)
		if err != nil {
			return nil, err
		}
		must = append(must, s)
	}
	if len(must) == 0 || !c.every {
		s, err := c.inLists(c.lists)
		if err != nil {
			return nil, err
		}
		must = append(must, s)
	}
	wanted, err := c.all(must)
	if err != nil || len(q.Excluded) == 0 {
		return wanted, err
	}
	excluded, err := c.group(q.Excluded)
	if err != nil {
		return nil, err
	}
	return searcher.NewBooleanSearcher(c.ctx, c.reader, wanted, nil, excluded, ranked)
}

func (c *compiler) all(of []search.Searcher) (search.Searcher, error) {
	if len(of) == 1 {
		return of[0], nil
	}
	return searcher.NewConjunctionSearcher(c.ctx, c.reader, of, ranked)
}

func (c *compiler) any(of []search.Searcher) (search.Searcher, error) {
	switch len(of) {
	case 0:
		return searcher.NewMatchNoneSearcher(c.reader)
	case 1:
		return of[0], nil
	}
	return searcher.NewDisjunctionSearcher(c.ctx, c.reader, of, 1, ranked)
}

func (c *compiler) group(terms []Term) (search.Searcher, error) {
	var alternatives []search.Searcher
	for _, t := range terms {
		s, err := c.term(t)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, s)
	}
	return c.any(alternatives)
}

func (c *compiler) term(t Term) (search.Searcher, error) {
	whole, parts := inAuthors, inAuthor
	switch t.Field {
	case Has:
		return searcher.NewTermSearcher(c.ctx, c.reader, hasAttachment, inHas, 1, unranked)
	case InList:
		return c.inLists(slices.DeleteFunc(slices.Clone(c.lists), func(l store.List) bool {
			return !strings.EqualFold(t.Text, l.MailboxName(c.domain)) && !strings.EqualFold(t.Text, string(l.Address()))
		}))
	case Filename:
		return c.beginningWith(t.Text, inFilenames)
	case To:
		whole, parts = inTos, inTo
		fallthrough
	case From:
		if c.public {
			return c.beginningWith(public(t.Text), parts)
		}
		return c.beginningWith(t.Text, whole)
	case Subject:
		return c.words(t, weights[:1], stemWeights[:1])
	}
	return c.words(t, weights, stemWeights)
}

// inLists finds the posts of lists.
func (c *compiler) inLists(lists []store.List) (search.Searcher, error) {
	terms := make([]string, len(lists))
	for i, l := range lists {
		terms[i] = strconv.FormatUint(l.ID, 10)
	}
	switch len(terms) {
	case 0:
		return searcher.NewMatchNoneSearcher(c.reader)
	case 1:
		return searcher.NewTermSearcher(c.ctx, c.reader, terms[0], inList, 1, unranked)
	}
	return searcher.NewMultiTermSearcher(c.ctx, c.reader, terms, inList, 1, unranked, false)
}

// words finds text as it is, and a single word by its stem too. A disjunction of bleve divides by how many alternatives it has, which the
// weights undo.
func (c *compiler) words(t Term, exact, stemmed []weighed) (search.Searcher, error) {
	list := slices.Collect(words(t.Text))
	var stems []string
	if len(list) == 1 && !t.Phrase {
		stems = stemsOf(list[0].term)
	}
	n := float64(len(stems)*len(stemmed) + len(exact))
	var found []search.Searcher
	for _, s := range stems {
		for _, w := range stemmed {
			one, err := searcher.NewTermSearcher(c.ctx, c.reader, s, w.field, w.weight*n, ranked)
			if err != nil {
				return nil, err
			}
			found = append(found, one)
		}
	}
	for _, w := range exact {
		if w.field == inAuthor && !c.public {
			w.field = inAuthors
		}
		one, err := c.inField(list, w.field, false, w.weight*n, ranked)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return c.any(found)
}

// stemsOf a word in every language of its script, as they are indexed.
func stemsOf(term string) (stems []string) {
	for _, language := range languages[scriptOf(term)] {
		if s := stem(language, term); s != "" {
			stems = append(stems, stemTerm(language, s))
		}
	}
	return stems
}

// beginningWith finds a text in any of some fields, the last word of which may go on. It is no matter of rank.
func (c *compiler) beginningWith(text string, fields ...string) (search.Searcher, error) {
	list := slices.Collect(words(text))
	var found []search.Searcher
	for _, f := range fields {
		s, err := c.inField(list, f, true, 1, unranked)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return c.any(found)
}

// inField finds words that stand together, in their order. A run of letters of a script that does not part words ends with its last letter
// alone, which is left out: in the post the run may go on. One that is all is the beginning of what is found.
func (c *compiler) inField(list []word, field string, open bool, weight float64, o search.SearcherOptions) (search.Searcher, error) {
	if n := len(list); n > 1 && list[n-1].joined && list[n-2].joined && list[n-2].end == list[n-1].end {
		list, open = list[:n-1], false
	}
	if len(list) == 0 {
		return searcher.NewMatchNoneSearcher(c.reader)
	}
	terms := make([][]string, len(list))
	for i, w := range list {
		terms[i] = []string{w.term}
	}
	if last := &terms[len(list)-1]; open || list[len(list)-1].joined && len((*last)[0]) <= maxLetter {
		expanded, err := c.beginning((*last)[0], field)
		if err != nil {
			return nil, err
		}
		*last = append(*last, expanded...)
	}
	switch {
	case len(terms) > 1:
		return c.phrase(terms, field, weight, o)
	case len(terms[0]) > 1:
		return searcher.NewMultiTermSearcher(c.ctx, c.reader, terms[0], field, weight*float64(len(terms[0])), o, false)
	}
	return searcher.NewTermSearcher(c.ctx, c.reader, terms[0][0], field, weight, o)
}

// phrase finds posts that have all the words, and then those in which they stand together.
func (c *compiler) phrase(terms [][]string, field string, weight float64, o search.SearcherOptions) (search.Searcher, error) {
	var each []search.Searcher
	for _, any := range terms {
		var s search.Searcher
		var err error
		if len(any) == 1 {
			s, err = searcher.NewTermSearcher(c.ctx, c.reader, any[0], field, weight, o)
		} else {
			s, err = searcher.NewMultiTermSearcher(c.ctx, c.reader, any, field, weight, o, false)
		}
		if err != nil {
			return nil, err
		}
		each = append(each, s)
	}
	all, err := searcher.NewConjunctionSearcher(c.ctx, c.reader, each, o)
	if err != nil {
		return nil, err
	}
	if c.orders == nil {
		c.orders = newOrders(c.reader)
	}
	return searcher.NewFilteringSearcher(c.ctx, all, c.orders.filter(field, terms)), nil
}

// maxLetter is the size of one letter in UTF-8 of the scripts that do not part words, in bytes.
const maxLetter = 4

// beginning lists words of a field that begin so, without the one that is no longer.
func (c *compiler) beginning(prefix, field string) (terms []string, err error) {
	dict, err := c.reader.FieldDictPrefix(field, []byte(prefix))
	if err != nil {
		return nil, err
	}
	defer dict.Close()
	for {
		e, err := dict.Next()
		if err != nil || e == nil {
			return terms, err
		}
		if len(terms) == c.most {
			c.more = true
			return terms, nil
		}
		if e.Term != prefix {
			terms = append(terms, e.Term)
		}
	}
}
