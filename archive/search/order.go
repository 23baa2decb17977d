package search

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/search"
	index "github.com/blevesearch/bleve_index_api"
)

// The order of the words of a post is kept beside the index, for phrases: a mark of four bytes for each word, and four zeros behind each
// field. The positions that bleve would keep are three times as large.

// inOrder is the field that has it, and inOrderOf the fields that it is of.
const inOrder = "w"

var inOrderOf = []string{inSubject, inAuthor, inAuthors, inTo, inTos, inFilenames, inOwn, inQuoted, inAttached, inHead}

const markSize = 4

// mark of a word is never zero.
func mark(term string) uint32 { return max(1, crc32.ChecksumIEEE([]byte(term))) }

// order is that of the words of a post.
type order []byte

func (o order) add(term string) order { return binary.LittleEndian.AppendUint32(o, mark(term)) }
func (o order) end() order            { return append(o, 0, 0, 0, 0) }

// marks of words one of which is wanted at a place, ascending.
type marks []uint32

func (m marks) has(one uint32) bool {
	if len(m) == 1 {
		return m[0] == one
	}
	_, ok := slices.BinarySearch(m, one)
	return ok
}

// has looks for words that stand together in a field.
func (o order) has(field string, phrase []marks) bool {
	at := slices.Index(inOrderOf, field)
	matched := func(i int) bool {
		for k, wanted := range phrase {
			if i+markSize*(k+1) > len(o) || !wanted.has(binary.LittleEndian.Uint32(o[i+markSize*k:])) {
				return false
			}
		}
		return true
	}
	for i := 0; i+markSize <= len(o); i += markSize {
		switch m := binary.LittleEndian.Uint32(o[i:]); {
		case m == 0:
			if at--; at < 0 {
				return false
			}
		case at == 0 && matched(i):
			return true
		}
	}
	return false
}

// orders reads them from one state of the index.
type orders struct {
	segments []*scorch.SegmentSnapshot
	starts   []uint64 // number of each segment's first document
}

func newOrders(r index.IndexReader) *orders {
	o := &orders{}
	start := uint64(0)
	if s, ok := r.(*scorch.IndexSnapshot); ok {
		o.segments = s.Segments()
	}
	for _, s := range o.segments {
		o.starts = append(o.starts, start)
		start += s.Segment().Count()
	}
	return o
}

// filter keeps the documents in a field of which the words stand together.
func (o *orders) filter(field string, terms [][]string) func(*search.SearchContext, *search.DocumentMatch) bool {
	phrase := make([]marks, len(terms))
	for i, any := range terms {
		for _, t := range any {
			phrase[i] = append(phrase[i], mark(t))
		}
		slices.Sort(phrase[i])
	}
	return func(_ *search.SearchContext, d *search.DocumentMatch) (has bool) {
		id := d.IndexInternalID.Value()
		i := sort.Search(len(o.starts), func(i int) bool { return o.starts[i] > id }) - 1
		err := o.segments[i].VisitDocument(id-o.starts[i], func(name string, _ byte, value []byte, _ []uint64) bool {
			if name == inOrder {
				has = order(value).has(field, phrase)
			}
			return name != inOrder
		})
		return err == nil && has
	}
}
