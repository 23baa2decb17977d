package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// reading is one request for a page of a list that its reader may read.
type reading struct {
	*Site
	w      http.ResponseWriter
	r      *http.Request
	viewer Viewer
	member *store.Member // the reader's membership; nil for others
	list   store.List
	name   string // of the list in addresses
	log    store.Log
	mono   bool
	prefix *regexp.Regexp // of the list's subjects; nil until it is needed
}

// hide tells whether mail addresses are shortened for this reader.
func (x *reading) hide() bool { return x.member == nil }

// key of what every page of the list depends on.
func (x *reading) key(more ...any) string {
	role := "none"
	if x.member != nil {
		role = string(x.member.Role)
	}
	return fmt.Sprint(x.r.URL.RequestURI(), "\x00", x.log.Last, x.log.Count, "\x00", role, x.mono, "\x00", x.list.Settings, x.name, more)
}

// page answers with a page of the list. It is made only when it is not there already.
func (x *reading) page(make func() (Page, error)) {
	x.cached(x.w, x.r, x.viewer, "text/html; charset=utf-8", x.key(), func() ([]byte, error) {
		p, err := make()
		if err != nil {
			return nil, err
		}
		return x.render(x.r, x.viewer, p)
	})
}

func (x *reading) title() string { return cmp.Or(x.list.Title, x.list.Name) }

func (x *reading) shell(title, template string, content any) Page {
	return Page{Title: title, Template: template, Content: content, ListName: x.name, List: x.title(), Feed: "/" + x.name + "/feed.atom",
		NoIndex: x.list.Archive != "public"}
}

// read opens a list for the reader. ok is false when the answer has been given: a list that may not be read is answered
// exactly as one that does not exist.
func (s *Site) read(w http.ResponseWriter, r *http.Request, name string) (x *reading, ok bool) {
	x = &reading{Site: s, w: w, r: r, viewer: s.Viewer(r)}
	var err error
	if x.list, err = s.Store.ListByMailboxName(name, s.DefaultDomain); err == nil {
		if x.viewer.Account != "" {
			m, merr := s.Store.Member(x.list.ID, x.viewer.Account)
			if merr == nil {
				x.member = &m
			}
		}
		x.log, err = s.Store.Log(x.list.ID)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.failed(w, r, err)
		return nil, false
	}
	if err != nil || !x.list.ReadableBy(x.member != nil) {
		s.missing(w, r)
		return nil, false
	}
	x.name = x.list.MailboxName(s.DefaultDomain)
	x.mono = s.monoChoice(w, r)
	return x, true
}

// monoChoice is kept in a cookie when the reader chooses.
func (s *Site) monoChoice(w http.ResponseWriter, r *http.Request) bool {
	choice := r.URL.Query().Get("mono")
	if choice == "0" || choice == "1" {
		s.setCookie(w, monoCookie, choice, 365*24*time.Hour)
		return choice == "1"
	}
	c, err := r.Cookie(monoCookie)
	return err == nil && c.Value == "1"
}

// list serves everything below a list's name.
func (s *Site) list(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("list")
	if s.section(w, r, r.PathValue("rest")) || s.signed(w, r, name) {
		return
	}
	x, ok := s.read(w, r, name)
	if !ok {
		return
	}
	rest, full := r.PathValue("rest"), r.URL.EscapedPath()
	if at, slash := strings.CutSuffix(full, "/"); slash == (rest != "") { // one address for each page
		if !slash {
			at = "/" + url.PathEscape(x.name) + "/"
		}
		if r.URL.RawQuery != "" {
			at += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, at, http.StatusMovedPermanently)
		return
	}
	if rest == "" {
		x.threads()
		return
	}
	first, more, deeper := strings.Cut(rest, "/")
	switch {
	case deeper && more == "": // a slash that was encoded
		s.missing(w, r)
	case first == "t":
		x.threadPages(more)
	case first == "archive":
		x.monthPages(more)
	case first == "m" && more != "":
		x.permanent(more)
	case rest == "search":
		x.search()
	case rest == "feed.atom":
		x.feed()
	case rest == "files":
		x.files()
	case rest == "members":
		x.members()
	default:
		x.postPages(first, more)
	}
}

// noRight answers who reads the list and may not do this: who is not logged in may be somebody who may.
func (x *reading) noRight(text string) {
	if x.viewer.Account == "" {
		http.Redirect(x.w, x.r, "/login?to="+url.QueryEscape(x.r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	x.forbidden(x.w, x.r, text)
}

// person shortens a name that is an address.
func (x *reading) person(name string) string {
	if x.hide() {
		name = archive.Shorten(name)
	}
	return cmp.Or(visible(name), "unknown")
}

// subject without the list's prefix, which every post of the page has.
func (x *reading) subject(s string) string {
	if x.prefix == nil && strings.TrimSpace(x.list.SubjectPrefix) != "" {
		named := strings.ReplaceAll(strings.TrimSpace(x.list.SubjectPrefix), "{name}", x.list.Name)
		x.prefix = regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(named), `\{number\}`, `\d+`) + ` ?`)
	}
	if x.prefix != nil {
		if at := x.prefix.FindStringIndex(s); at != nil {
			s = s[:at[0]] + s[at[1]:]
		}
	}
	if x.hide() {
		s = archive.Shorten(s)
	}
	return cmp.Or(strings.TrimSpace(visible(s)), "(no subject)")
}

// visible drops what could make a name or a title look like another: controls, and what turns the direction of letters round
// (Unicode annex 9).
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || 0x202A <= r && r <= 0x202E || 0x2066 <= r && r <= 0x2069 || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}

func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") }

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// counted is a number of things: 1 post, 2 posts.
func counted[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
