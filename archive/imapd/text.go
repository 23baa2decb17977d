package imapd

import (
	"context"
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/store"
)

// Searcher finds the posts of a list whose text, or with header text and header, hold words.
type Searcher interface {
	Containing(ctx context.Context, l store.List, text string, header bool) (n search.Numbers, ok bool, err error)
}

// looked is what is looked for in a list.
type looked struct {
	list   uint64
	text   string
	header bool
}

// indexed is what the index knows of it; ok is false when it cannot tell.
type indexed struct {
	search.Numbers
	ok bool
}

// lookUp asks the index once a search.
func (x *session) lookUp(v *view, l looked) (n indexed, err error) {
	if n, ok := v.texts[l]; ok {
		return n, nil
	}
	if v.kind != ofHeld && x.server.Search != nil {
		list := v.list
		if v.kind == ofInbox {
			list, err = x.server.Store.ListByID(l.list)
			if errors.Is(err, store.ErrNotFound) { // its messages are about to go
				return n, nil
			}
			if err != nil {
				return n, x.failed(err)
			}
		}
		if n.Numbers, n.ok, err = x.server.Search.Containing(x.ctx, list, l.text, l.header); err != nil {
			x.server.Log.Error("the search index failed, posts are read instead", "list", list.Address(), "cause", err)
			n, err = indexed{}, x.ctx.Err()
		}
	}
	v.texts[l] = n
	return n, err
}

// tells whether a post has what was looked for; known is false when its bytes must tell.
func (n indexed) tells(number uint64) (has, known bool) {
	return n.Has(number), n.ok && number <= n.Upto
}

// candidates are the messages that the index does not rule out.
func (x *session) candidates(v *view, c *imap.SearchCriteria) (spans []span, err error) {
	if len(c.Body)+len(c.Text) == 0 {
		return []span{{1, v.len()}}, nil
	}
	lists := map[uint64][]indexed{}
	for seq := uint32(1); seq <= v.len(); seq++ {
		list, number := v.place(seq)
		found, ok := lists[list]
		if !ok {
			if found, err = x.lookUpAll(v, c, list); err != nil {
				return nil, err
			}
			lists[list] = found
		}
		if slices.ContainsFunc(found, func(n indexed) bool { has, known := n.tells(number); return known && !has }) {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].to == seq-1 {
			spans[n-1].to = seq
		} else {
			spans = append(spans, span{seq, seq})
		}
	}
	return spans, nil
}

func (x *session) lookUpAll(v *view, c *imap.SearchCriteria, list uint64) (all []indexed, err error) {
	for _, text := range c.Body {
		n, err := x.lookUp(v, looked{list, text, false})
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	for _, text := range c.Text {
		n, err := x.lookUp(v, looked{list, text, true})
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// holds tells whether text, or with header text and header, hold all that is wanted.
func (m *message) holds(wanted []string, header bool) (bool, error) {
	var texts []string
	for _, want := range wanted {
		n, err := m.x.lookUp(m.v, looked{m.list, want, header})
		if err != nil {
			return false, err
		}
		if has, known := n.tells(m.number); known && has {
			continue
		} else if known {
			return false, nil
		}
		root, err := m.tree()
		if err != nil {
			return false, err
		}
		if texts == nil {
			if texts = search.Texts(m.raw); header {
				texts = append(texts, search.HeaderTexts(root.Header())...)
			}
		}
		if !slices.ContainsFunc(texts, func(text string) bool { return search.Holds(text, want) }) {
			return false, nil
		}
	}
	return true, nil
}
