package search

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/blevesearch/bleve/v2/search"
	index "github.com/blevesearch/bleve_index_api"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Request is one search.
type Request struct {
	Query
	Lists  []store.List // those that the reader may read; no others are looked at
	Offset int          // of the first hit that is returned, in the order of rank
	Limit  int          // hits
	// Hide tells of which lists the reader sees mail addresses shortened; nil: of none. Such a reader does not find them whole in From and To
	// either.
	Hide func(store.List) bool
}

func (r Request) hides() bool { return r.Hide != nil && slices.ContainsFunc(r.Lists, r.Hide) }

// Result of a search.
type Result struct {
	Hits   []Hit
	Total  int    // posts that were found
	Behind uint64 // posts of the lists that are not in the index yet
}

// Hit is a post that was found.
type Hit struct {
	List    store.List
	Post    store.Post
	Excerpt Excerpt
}

// maxRanked bounds the hits whose order is known.
const maxRanked = 1000

// Search returns the best posts first: how well they fit, and new ones before old ones that fit as well. Without words to rank by, the newest
// are first.
func (x *Index) Search(ctx context.Context, r Request) (res Result, err error) {
	if behind, err := x.behind(r.Lists); err != nil {
		return res, err
	} else if x.freshen(ctx, behind); behind > 0 {
		if res.Behind, err = x.behind(r.Lists); err != nil {
			return res, err
		}
	}
	var best []ranking
	err = x.use(func(e *engine) error {
		return e.read(func(reader index.IndexReader) error {
			best, res.Total, err = x.rank(ctx, e, reader, r)
			return err
		})
	})
	if err != nil {
		return res, err
	}
	marks := newMarker(r.Query)
	for _, k := range best {
		hit, err := x.hit(k, r, marks)
		if errors.Is(err, store.ErrNotFound) { // removed, and not yet out of the index
			res.Total--
			continue
		}
		if err != nil {
			return res, err
		}
		res.Hits = append(res.Hits, hit)
	}
	return res, nil
}

// ranking is where a post stands among those that were found.
type ranking struct {
	score  float64
	minute int64
	id     uint64 // of the engine
	list   uint64
	number uint64
}

func (a ranking) compare(b ranking) int {
	return -cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.minute, b.minute), cmp.Compare(a.number, b.number), cmp.Compare(a.id, b.id))
}

// worstFirst is a heap.
type worstFirst []ranking

func (h worstFirst) Len() int           { return len(h) }
func (h worstFirst) Less(i, j int) bool { return h[i].compare(h[j]) > 0 }
func (h worstFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *worstFirst) Push(v any)        { *h = append(*h, v.(ranking)) }
func (h *worstFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// rank finds the posts from Offset on.
func (x *Index) rank(ctx context.Context, e *engine, reader index.IndexReader, r Request) ([]ranking, int, error) {
	most := min(r.Offset+r.Limit, maxRanked)
	if len(r.Lists) == 0 || most <= 0 {
		return nil, 0, nil
	}
	every, err := e.onlyHolds(r.Lists)
	if err != nil {
		return nil, 0, err
	}
	scoring, err := scored(ctx, reader)
	if err != nil {
		return nil, 0, err
	}
	c := &compiler{ctx: scoring, reader: reader, lists: r.Lists, domain: x.DefaultDomain, every: every, public: r.hides(), most: maxExpanded}
	found, err := c.query(r.Query)
	if err != nil {
		return nil, 0, err
	}
	defer found.Close()
	times, err := reader.DocValueReader([]string{inTime})
	if err != nil {
		return nil, 0, err
	}
	now, since, before := minuteOf(x.Now()), minuteOf(r.Since), int64(math.MaxInt64)
	if !r.Before.IsZero() {
		before = minuteOf(r.Before)
	}
	best, total := make(worstFirst, 0, most+1), 0
	err = each(ctx, found, reader, func(m *search.DocumentMatch) error {
		k := ranking{score: m.Score, id: m.IndexInternalID.Value()}
		err := times.VisitDocValues(m.IndexInternalID, func(_ string, term []byte) {
			minute, number := pair(term)
			k.minute, k.number = int64(minute), number
		})
		if err != nil || k.minute < since || k.minute >= before {
			return err
		}
		total++
		k.score *= recency(now - k.minute)
		if len(best) < most || k.compare(best[0]) < 0 {
			if heap.Push(&best, k); len(best) > most {
				heap.Pop(&best)
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(best, ranking.compare)
	best = best[min(r.Offset, len(best)):]
	for i := range best {
		id, err := reader.ExternalID(index.NewIndexInternalID(nil, best[i].id))
		if err != nil {
			return nil, 0, err
		}
		best[i].list, best[i].number = parseID(id)
	}
	return best, total, nil
}

// recency is what a post's rank is multiplied by: 1.5 for a new one, 1.25 for one of last year, towards 1 for old ones.
func recency(minutes int64) float64 {
	years := float64(max(0, minutes)) / (365 * 24 * 60)
	return 1 + 0.5/(1+years)
}

// scored makes bleve rank by BM25.
func scored(ctx context.Context, reader index.IndexReader) (context.Context, error) {
	n, err := reader.DocCount()
	stats := &search.BM25Stats{DocCount: float64(n), FieldCardinality: map[string]int{}}
	for field, words := range usual {
		stats.FieldCardinality[field] = words * int(n)
	}
	ctx = context.WithValue(ctx, search.BM25StatsKey, stats)
	return context.WithValue(ctx, search.GetScoringModelCallbackKey, search.GetScoringModelCallbackFn(func() string { return index.BM25Scoring })), err
}

// each goes over what a searcher finds.
func each(ctx context.Context, s search.Searcher, reader index.IndexReader, do func(*search.DocumentMatch) error) error {
	c := &search.SearchContext{DocumentMatchPool: search.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0), IndexReader: reader}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		m, err := s.Next(c)
		if err != nil || m == nil {
			return err
		}
		if err := do(m); err != nil {
			return err
		}
		c.DocumentMatchPool.Put(m)
	}
}

// onlyHolds tells whether the index holds posts of these lists alone.
func (e *engine) onlyHolds(lists []store.List) (bool, error) {
	have, err := e.lists()
	for _, id := range have {
		if !slices.ContainsFunc(lists, func(l store.List) bool { return l.ID == id }) {
			return false, err
		}
	}
	return true, err
}

// behind counts the posts of lists that are not in the index yet.
func (x *Index) behind(lists []store.List) (n uint64, err error) {
	err = x.use(func(e *engine) error {
		for _, l := range lists {
			log, err := x.Store.Log(l.ID)
			if err != nil {
				return err
			}
			c, err := e.cursor(l.ID)
			if err != nil {
				return err
			}
			n += log.Last - min(log.Last, c.Upto)
		}
		return nil
	})
	return n, err
}

// hit reads a post that was found.
func (x *Index) hit(k ranking, r Request, m *marker) (h Hit, err error) {
	i := slices.IndexFunc(r.Lists, func(l store.List) bool { return l.ID == k.list })
	if i < 0 {
		return h, store.ErrNotFound
	}
	h.List = r.Lists[i]
	if h.Post, err = x.Store.Post(k.list, k.number); err != nil {
		return h, err
	}
	if h.Post.Removed {
		return h, store.ErrNotFound
	}
	raw, err := x.Store.Raw(k.list, k.number)
	if err != nil {
		return h, err
	}
	body := archive.Read(raw)
	own, rest := body.Divide()
	if r.Hide != nil && r.Hide(h.List) {
		own, rest = archive.Shorten(own), archive.Shorten(rest)
	}
	h.Excerpt = m.excerpt(own, rest)
	return h, nil
}
