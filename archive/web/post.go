package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/store"
)

func (x *reading) number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n > 0 && n <= x.log.Last && strconv.FormatUint(n, 10) == s
}

// postPages serves one post, its raw bytes, or a part of it.
func (x *reading) postPages(first, more string) {
	base, isRaw := strings.CutSuffix(first, ".eml")
	n, ok := x.number(base)
	if !ok || isRaw && more != "" {
		x.missing(x.w, x.r)
		return
	}
	p, err := x.Store.Post(x.list.ID, n)
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.missing(x.w, x.r)
	case err != nil:
		x.failed(x.w, x.r, err)
	case p.Removed:
		x.gone(p)
	case isRaw:
		x.raw(p)
	case more != "":
		x.attachment(p, more)
	default:
		x.post(p)
	}
}

func (x *reading) gone(p store.Post) {
	title, text := "Removed", "This post was removed from the archive. Answers to it are still there."
	if p.Unarchived {
		title, text = "Not archived", "The author asked that this post not be archived. Answers to it are still there."
	}
	x.answer(x.w, x.r, http.StatusGone, answer{Title: title, Text: text,
		Links: []step{{fmt.Sprintf("/%s/t/%d", x.name, p.Number), "The thread it was in"}, {"/" + x.name + "/", x.title()}}})
}

func (x *reading) post(p store.Post) {
	x.page(func() (Page, error) {
		a, err := x.article(p, 0, math.MaxInt)
		if err != nil {
			return Page{}, err
		}
		if p.Parent != 0 {
			if up, err := x.Store.Post(x.list.ID, p.Parent); err == nil {
				a.Parent = &parent{fmt.Sprintf("/%s/%d", x.name, up.Number), x.person(up.From)}
			}
		}
		content := map[string]any{"Name": x.name, "Post": a, "Mono": x.mono, "Toggle": x.toggle()}
		if p.Number > 1 {
			content["Previous"] = p.Number - 1
		}
		if p.Number < x.log.Last {
			content["Next"] = p.Number + 1
		}
		if x.mayDownload() {
			content["Raw"] = fmt.Sprintf("/%s/%d.eml", x.name, p.Number)
		}
		return x.shell(a.Subject, "post", content), nil
	})
}

// permanent redirects a Message-ID to its first post.
func (x *reading) permanent(id string) {
	ns, err := x.Store.PostsByMessageID(x.list.ID, strings.Trim(id, "<>"))
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	if len(ns) == 0 {
		x.missing(x.w, x.r)
		return
	}
	http.Redirect(x.w, x.r, fmt.Sprintf("/%s/%d", url.PathEscape(x.name), ns[0]), http.StatusFound)
}
