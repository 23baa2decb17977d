package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/store"
)

// Bounds of the pages of what is found.
const (
	foundPerPage = 20
	maxFoundPage = 50
)

// foundRow is a post that was found.
type foundRow struct {
	Link, Subject, From, When, Stamp string
	List                             string // its title, where lists are searched together
	Excerpt                          search.Excerpt
}

// search finds posts of one list.
func (x *reading) search() {
	x.searchPage(x.w, x.r, search.Request{Lists: []store.List{x.list}, Hide: func(store.List) bool { return x.hide() }},
		func(store.List) *reading { return x }, x.shell("Search · "+x.title(), "search", nil), map[string]any{"Title": x.title()})
}

// search finds posts of all lists that the reader may read: advertised ones, and the reader's own.
func (s *Site) search(w http.ResponseWriter, r *http.Request) {
	v := s.Viewer(r)
	lists, err := s.Store.Lists()
	if err != nil {
		s.failed(w, r, err)
		return
	}
	readings := map[uint64]*reading{}
	request := search.Request{Hide: func(l store.List) bool { return readings[l.ID].hide() }}
	for _, l := range lists {
		x := &reading{Site: s, w: w, r: r, viewer: v, list: l, name: l.MailboxName(s.DefaultDomain)}
		if v.Account != "" {
			if m, err := s.Store.Member(l.ID, v.Account); err == nil {
				x.member = &m
			}
		}
		if l.ReadableBy(x.member != nil) && (l.Advertised || x.member != nil) {
			readings[l.ID] = x
			request.Lists = append(request.Lists, l)
		}
	}
	s.searchPage(w, r, request, func(l store.List) *reading { return readings[l.ID] }, Page{Title: "Search", Template: "search"}, map[string]any{"All": true})
}

// searchPage answers with the form, and with what was found when there is a query.
func (s *Site) searchPage(w http.ResponseWriter, r *http.Request, request search.Request, of func(store.List) *reading, p Page, content map[string]any) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = min(max(page, 1), maxFoundPage)
	content["Action"], content["Query"] = r.URL.Path, text
	p.Content, p.NoIndex = content, true
	if text == "" {
		s.Render(w, r, http.StatusOK, p)
		return
	}
	var err error
	var mistake search.Mistake
	if request.Query, err = search.Parse(text); errors.As(err, &mistake) {
		content["Mistake"] = mistake
		s.Render(w, r, http.StatusBadRequest, p)
		return
	}
	request.Offset, request.Limit = (page-1)*foundPerPage, foundPerPage
	found, err := s.Search.Search(r.Context(), request)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	var rows []foundRow
	for _, h := range found.Hits {
		x := of(h.List)
		row := foundRow{Link: fmt.Sprintf("/%s/%d", x.name, h.Post.Number), Subject: x.subject(h.Post.Subject), From: x.person(h.Post.From),
			When: when(h.Post.Date), Stamp: stamp(h.Post.Date)}
		for _, part := range h.Excerpt {
			row.Excerpt = append(row.Excerpt, search.Part{Text: visible(part.Text), Found: part.Found})
		}
		if content["All"] != nil {
			row.List = x.title()
		}
		rows = append(rows, row)
	}
	content["Found"], content["Total"], content["Behind"] = rows, counted(found.Total, "post"), found.Behind
	pages := min((found.Total+foundPerPage-1)/foundPerPage, maxFoundPage)
	content["Pages"] = pagesOf(r.URL.Path+"?q="+url.QueryEscape(text), page-1, max(pages, page))
	p.Title = text + " · " + p.Title
	s.Render(w, r, http.StatusOK, p)
}
