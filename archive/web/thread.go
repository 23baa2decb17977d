package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/store"
)

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
	pageBytes = 52_000 // of messages, one with a long text counting as longText
	longText  = 36_000 // of which a page of a thread shows the beginning
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
		if !x.joined(n) {
			x.thread(n)
		}
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

// joined sends who asks for a thread that turned out to be a part of an older one there, to the place where it begins.
func (x *reading) joined(n uint64) bool {
	t, err := x.Store.Thread(x.list.ID, n)
	if err != nil || t.ID == n {
		return false // a thread, or a post in one
	}
	to := fmt.Sprintf("/%s/t/%d", url.PathEscape(x.name), t.ID)
	q := x.r.URL.Query()
	q.Del("page")
	if posts, err := x.threadOf(n); err == nil {
		ps := tree(posts)
		if part := partWith(n, ps, parts(ps)); part > 0 {
			q.Set("page", strconv.Itoa(part+1))
		}
	}
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	http.Redirect(x.w, x.r, fmt.Sprintf("%s#%d", to, n), http.StatusFound)
	return true
}

// thread serves the part of a thread that holds the post, or the one asked for.
func (x *reading) thread(n uint64) {
	x.page(func() (Page, error) {
		posts, err := x.threadOf(n)
		if err != nil {
			return Page{}, err
		}
		ps := tree(posts)
		starts := parts(ps)
		part, err := x.partOf(n, ps, starts)
		if err != nil {
			return Page{}, err
		}
		end := len(ps)
		if part+1 < len(starts) {
			end = starts[part+1]
		}
		content, err := x.threadContent(posts[0].Thread, ps, starts[part], end)
		if err != nil {
			return Page{}, err
		}
		content["Pages"] = pagesOf(fmt.Sprintf("/%s/t/%d", x.name, posts[0].Thread), part, len(starts))
		return x.shell(content["Subject"].(string), "thread", content), nil
	})
}

// pages are the links between the parts of a thread.
type pages struct {
	Part, Of                    int
	First, Previous, Next, Last string // empty: no link
}

func pagesOf(address string, part, of int) pages {
	sign := "?"
	if strings.Contains(address, "?") {
		sign = "&"
	}
	to := func(i int) string { return fmt.Sprintf("%s%spage=%d", address, sign, i+1) }
	p := pages{Part: part + 1, Of: of}
	if part > 0 {
		p.Previous = to(part - 1)
	}
	if part > 1 {
		p.First = to(0)
	}
	if part+1 < of {
		p.Next = to(part + 1)
	}
	if part+2 < of {
		p.Last = to(of - 1)
	}
	return p
}

// partOf is the part of a thread that was asked for, or the one with the post.
func (x *reading) partOf(n uint64, ps []place, starts []int) (part int, err error) {
	if asked, err := strconv.Atoi(x.r.URL.Query().Get("page")); err == nil {
		if asked < 1 || asked > len(starts) {
			return 0, store.ErrNotFound
		}
		return asked - 1, nil
	}
	return partWith(n, ps, starts), nil
}

func partWith(n uint64, ps []place, starts []int) (part int) {
	at := slices.IndexFunc(ps, func(p place) bool { return p.post.Number == n })
	for part+1 < len(starts) && starts[part+1] <= at {
		part++
	}
	return part
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
	content := map[string]any{"Name": x.name, "ID": id, "Subject": x.threadSubject(ps), "Facts": facts(ps), "Posts": articles,
		"Mono": x.mono, "Toggle": x.toggle()}
	if x.mayDownload() {
		content["Mbox"] = fmt.Sprintf("/%s/t/%d.mbox.gz", x.name, id)
	}
	return content, nil
}

// threadSubject is that of the first post that is not removed.
func (x *reading) threadSubject(ps []place) string {
	for _, p := range ps {
		if !p.post.Removed {
			return x.subject(p.post.Subject)
		}
	}
	return "Removed"
}

// facts of a thread: how many posts, by how many people, when.
func facts(ps []place) string {
	people := map[string]bool{}
	first, last := ps[0].post.Date, ps[0].post.Date
	for _, p := range ps {
		if !p.post.Removed {
			people[cmp.Or(string(p.post.Author), p.post.From)] = true
		}
		if p.post.Date.Before(first) {
			first = p.post.Date
		}
		if p.post.Date.After(last) {
			last = p.post.Date
		}
	}
	text := counted(len(ps), "post")
	if len(people) > 1 {
		text += fmt.Sprintf(" by %d people", len(people))
	}
	if text += ", " + day(first); day(first) != day(last) {
		text += " to " + day(last)
	}
	return text
}

// toggle is this page with the other kind of text.
func (x *reading) toggle() string {
	q := x.r.URL.Query()
	q.Set("mono", map[bool]string{true: "0", false: "1"}[x.mono])
	return x.r.URL.Path + "?" + q.Encode()
}
