package web

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"iter"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/store"
)

// article is a post as the template shows it.
type article struct {
	List, Subject, From, When, Stamp, Reply string
	Author, Lang                            string
	Rest                                    string // where the whole text is, when this is its beginning
	Number                                  uint64
	Depth                                   int
	Removed                                 bool
	Text                                    template.HTML
	Parent                                  *parent
	Images, Files                           []file
}

type parent struct{ Link, From string }

type file struct{ Link, Name, Type, Size string }

// maxDepth that is drawn.
const maxDepth = 8

// article shows up to limit bytes of text.
func (x *reading) article(p store.Post, depth, limit int) (article, error) {
	a := article{List: x.name, Number: p.Number, Subject: x.subject(p.Subject), From: x.person(p.From), When: when(p.Date), Stamp: stamp(p.Date),
		Depth: min(depth, maxDepth), Removed: p.Removed, Lang: p.Language}
	if p.Removed {
		return a, nil
	}
	if !x.hide() && p.From != string(p.Author) {
		a.Author = string(p.Author)
	}
	raw, err := x.Store.Raw(x.list.ID, p.Number)
	if errors.Is(err, store.ErrNotFound) {
		a.Removed = true
		return a, nil
	}
	if err != nil {
		return a, err
	}
	body := archive.Read(raw)
	if len(body.Text) > limit {
		body.Text = strings.ToValidUTF8(body.Text[:limit], "")
		body.HTML, body.HTMLOnly = "", false
		a.Rest = fmt.Sprintf("/%s/%d", x.name, p.Number)
	}
	a.Text = bodyHTML(body, x.mono, x.hide())
	a.Reply = x.replyLink(p)
	for _, f := range body.Attachments {
		shown := file{Link: fmt.Sprintf("/%s/%d/%d/%s", x.name, p.Number, f.K, url.PathEscape(f.Filename)), Name: f.Filename, Type: f.Type, Size: kilobytes(f.Size)}
		if shownTypes[f.Type] && len(a.Images) < 10 {
			a.Images = append(a.Images, shown)
		}
		a.Files = append(a.Files, shown)
	}
	return a, nil
}

// replyLink opens the reader's mail program with an answer that finds its thread (RFC 6068).
func (x *reading) replyLink(p store.Post) string {
	q := url.Values{"Subject": {"Re: " + strings.TrimPrefix(p.Subject, "Re: ")}}
	if p.MessageID != "" {
		q.Set("In-Reply-To", "<"+p.MessageID+">")
	}
	return "mailto:" + string(x.list.Address()) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func kilobytes(n int) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d KB", (n+999)/1000)
}

// place of a post in its thread's tree.
type place struct {
	post  store.Post
	depth int
}

// tree orders the posts of a thread: each behind the post it answers, siblings by number.
func tree(ps []store.Post) []place {
	children := map[uint64][]int{}
	known := map[uint64]bool{}
	for _, p := range ps {
		known[p.Number] = true
	}
	for i, p := range ps {
		up := p.Parent
		if !known[up] {
			up = 0
		}
		children[up] = append(children[up], i)
	}
	var all []place
	type step struct{ at, depth int }
	var stack []step
	push := func(of uint64, depth int) {
		for _, i := range slices.Backward(children[of]) {
			stack = append(stack, step{i, depth})
		}
	}
	push(0, 0)
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		all = append(all, place{ps[s.at], s.depth})
		push(ps[s.at].Number, s.depth+1)
	}
	return all
}

// A page of a thread ends where it would grow too long for a slow line.
const (
	pageBytes = 60_000 // of messages, one with a long text counting as longText
	longText  = 40_000 // of which a page of a thread shows the beginning
	pagePosts = 40
	maxThread = 20_000 // posts that are looked at
)

// parts cuts a thread into pages: where each begins.
func parts(ps []place) (starts []int) {
	size, n := 0, 0
	for i, p := range ps {
		cost := int(min(p.post.Size, longText))
		if i == 0 || size+cost > pageBytes || n == pagePosts {
			starts = append(starts, i)
			size, n = 0, 0
		}
		size, n = size+cost, n+1
	}
	return starts
}

func (x *reading) number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n > 0 && n <= x.log.Last && strconv.FormatUint(n, 10) == s
}

// threadPages serves the thread of a post as page, mbox and feed.
func (x *reading) threadPages(rest string) {
	base, isMbox := strings.CutSuffix(rest, ".mbox.gz")
	base, isAtom := strings.CutSuffix(base, ".atom")
	n, ok := x.number(base)
	if !ok {
		x.missing(x.w, x.r)
		return
	}
	if !isMbox && !isAtom {
		x.thread(n)
		return
	}
	ps, err := x.threadOf(n)
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.missing(x.w, x.r)
	case err != nil:
		x.failed(x.w, x.r, err)
	case isMbox:
		x.mbox(fmt.Sprintf("%s-thread-%d", x.name, ps[0].Thread), func(yield func(store.Post, error) bool) {
			for _, p := range ps {
				if !yield(p, nil) {
					return
				}
			}
		})
	default:
		title, page := x.subject(ps[0].Subject), fmt.Sprintf("/%s/t/%d", x.name, ps[0].Thread)
		slices.Reverse(ps)
		x.atom(title, page, ps[:min(len(ps), feedPosts)])
	}
}

// threadOf are the posts of the thread that a post belongs to. ErrNotFound.
func (x *reading) threadOf(n uint64) ([]store.Post, error) {
	p, err := x.Store.Post(x.list.ID, n)
	if err != nil {
		return nil, err
	}
	return x.Store.ThreadPosts(x.list.ID, p.Thread, 0, maxThread)
}

func (x *reading) thread(n uint64) {
	x.cached(x.w, x.r, x.viewer, "text/html; charset=utf-8", x.key(), func() ([]byte, error) {
		posts, err := x.threadOf(n)
		if err != nil {
			return nil, err
		}
		ps := tree(posts)
		starts := parts(ps)
		page, err := x.partOf(n, ps, starts)
		if err != nil {
			return nil, err
		}
		end := len(ps)
		if page+1 < len(starts) {
			end = starts[page+1]
		}
		id := posts[0].Thread
		content, err := x.threadContent(id, ps, starts[page], end)
		if err != nil {
			return nil, err
		}
		address := fmt.Sprintf("/%s/t/%d", x.name, id)
		if len(starts) > 1 {
			content["Part"] = fmt.Sprintf("%d of %d", page+1, len(starts))
		}
		if page > 0 {
			content["Previous"] = fmt.Sprintf("%s?page=%d", address, page)
		}
		if page+1 < len(starts) {
			content["Next"] = fmt.Sprintf("%s?page=%d", address, page+2)
		}
		return x.render(x.r, x.viewer, x.shell(content["Subject"].(string), "thread", content))
	})
}

// partOf is the part of a thread that was asked for, or the one with the post.
func (x *reading) partOf(n uint64, ps []place, starts []int) (page int, err error) {
	if asked, err := strconv.Atoi(x.r.URL.Query().Get("page")); err == nil {
		if asked < 1 || asked > len(starts) {
			return 0, store.ErrNotFound
		}
		return asked - 1, nil
	}
	at := slices.IndexFunc(ps, func(p place) bool { return p.post.Number == n })
	for page+1 < len(starts) && starts[page+1] <= at {
		page++
	}
	return page, nil
}

func (x *reading) threadContent(id uint64, ps []place, from, to int) (map[string]any, error) {
	names := map[uint64]string{}
	here := map[uint64]bool{}
	for i, p := range ps {
		names[p.post.Number] = x.person(p.post.From)
		here[p.post.Number] = i >= from && i < to
	}
	var articles []article
	for _, p := range ps[from:to] {
		a, err := x.article(p.post, p.depth, longText)
		if err != nil {
			return nil, err
		}
		if up := p.post.Parent; names[up] != "" {
			a.Parent = &parent{Link: fmt.Sprintf("#%d", up), From: names[up]}
			if !here[up] {
				a.Parent.Link = fmt.Sprintf("/%s/t/%d#%d", x.name, up, up)
			}
		}
		articles = append(articles, a)
	}
	content := map[string]any{"Name": x.name, "ID": id, "Subject": x.subject(ps[0].post.Subject), "Count": len(ps), "Posts": articles,
		"Mono": x.mono, "Toggle": x.toggle()}
	if x.mayDownload() {
		content["Mbox"] = fmt.Sprintf("/%s/t/%d.mbox.gz", x.name, id)
	}
	return content, nil
}

// toggle is this page with the other kind of text.
func (x *reading) toggle() string {
	q := x.r.URL.Query()
	q.Set("mono", map[bool]string{true: "0", false: "1"}[x.mono])
	return x.r.URL.Path + "?" + q.Encode()
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
		x.say(x.w, x.r, http.StatusGone, "Removed", "This post was removed from the archive.")
	case isRaw:
		x.raw(p)
	case more != "":
		x.attachment(p, more)
	default:
		x.post(p)
	}
}

func (x *reading) post(p store.Post) {
	x.cached(x.w, x.r, x.viewer, "text/html; charset=utf-8", x.key(), func() ([]byte, error) {
		a, err := x.article(p, 0, math.MaxInt)
		if err != nil {
			return nil, err
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
		return x.render(x.r, x.viewer, x.shell(a.Subject, "post", content))
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

// mayDownload tells whether the reader may have whole messages, which hold whole addresses.
func (x *reading) mayDownload() bool { return x.member != nil || x.list.Raw == "public" }

func (x *reading) raw(p store.Post) {
	if !x.mayDownload() {
		x.noRight("Only members of this list download whole messages.")
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Disposition", disposition("attachment", fmt.Sprintf("%s-%d.eml", x.name, p.Number)))
	h.Set("Content-Length", fmt.Sprint(p.Size))
	h.Set("Content-Security-Policy", sandbox)
	h.Set("Cache-Control", "private, no-cache")
	if err := x.Store.WriteRaw(x.w, x.list.ID, p.Number); err != nil {
		x.Log.Debug("download ended", "cause", err)
	}
}

// mbox streams posts as mboxrd.
func (x *reading) mbox(name string, ps iter.Seq2[store.Post, error]) {
	if !x.mayDownload() {
		x.noRight("Only members of this list download whole messages.")
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Disposition", disposition("attachment", name+".mbox.gz"))
	h.Set("Cache-Control", "private, no-cache")
	z := gzip.NewWriter(x.w)
	w := mbox.NewWriter(z)
	for p, err := range ps {
		if err == nil && p.Removed {
			continue
		}
		var raw []byte
		if err == nil {
			raw, err = x.Store.Raw(x.list.ID, p.Number)
		}
		if err == nil {
			err = w.Write(p.Received, raw)
		}
		if err != nil { // the stream has begun: only its end can tell
			x.Log.Error("download failed", "path", x.r.URL.Path, "cause", err)
			panic(http.ErrAbortHandler)
		}
	}
	if w.Flush() == nil {
		z.Close()
	}
}

// sandbox is the policy of what others wrote: it runs nothing and belongs to no site.
const sandbox = "default-src 'none'; sandbox"

// shownTypes are pictures that browsers show and that hold no script.
var shownTypes = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// savedTypes keep their type when they are saved; of all others the browser is told nothing.
var savedTypes = map[string]bool{"application/pdf": true, "text/plain": true, "text/csv": true, "application/zip": true}

func (x *reading) attachment(p store.Post, rest string) {
	k, _, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(k)
	raw, rawErr := x.Store.Raw(x.list.ID, p.Number)
	if err != nil || rawErr != nil {
		x.missing(x.w, x.r)
		return
	}
	for _, f := range archive.Read(raw).Attachments {
		if f.K != n {
			continue
		}
		h := x.w.Header()
		kind, how := "application/octet-stream", "attachment"
		switch {
		case shownTypes[f.Type]:
			kind, how = f.Type, "inline"
		case savedTypes[f.Type]:
			kind = f.Type
		}
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", disposition(how, f.Filename))
		h.Set("Content-Security-Policy", sandbox)
		h.Set("Cache-Control", map[bool]string{true: "private", false: "public"}[x.list.Archive != "public"]+", max-age=86400")
		x.w.Write(f.Part.Decode(raw, 0))
		return
	}
	x.missing(x.w, x.r)
}

func disposition(how, name string) string {
	return cmp.Or(mime.FormatMediaType(how, map[string]string{"filename": name}), how)
}
