package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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

// page answers with a page of the list.
func (x *reading) page(p Page) {
	x.cached(x.w, x.r, x.viewer, "text/html; charset=utf-8", x.key(), func() ([]byte, error) { return x.render(x.r, x.viewer, p) })
}

func (x *reading) title() string { return cmp.Or(x.list.Title, x.list.Name) }

func (x *reading) shell(title, template string, content any) Page {
	return Page{Title: title, Template: template, Content: content, ListName: x.name, Feed: "/" + x.name + "/feed.atom",
		NoIndex: x.list.Archive != "public", Lang: x.list.Language}
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
	rest := strings.TrimSuffix(r.PathValue("rest"), "/")
	if rest == "" {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, "/"+url.PathEscape(x.name)+"/", http.StatusMovedPermanently)
			return
		}
		x.threads()
		return
	}
	first, more, _ := strings.Cut(rest, "/")
	switch {
	case first == "t":
		x.threadPages(more)
	case first == "archive":
		x.monthPages(more)
	case first == "m" && more != "":
		x.permanent(more)
	case rest == "feed.atom":
		x.feed()
	case rest == "members":
		x.members()
	default:
		x.postPages(first, more)
	}
}

func (s *Site) index(w http.ResponseWriter, r *http.Request) {
	v := s.Viewer(r)
	lists, err := s.Store.Lists()
	if err != nil {
		s.failed(w, r, err)
		return
	}
	type row struct {
		Name, Title, Description, Address, Latest string
		Readable                                  bool
		Posts                                     uint64
	}
	var rows []row
	key := fmt.Sprint(r.URL.RequestURI())
	for _, l := range lists {
		member := false
		if v.Account != "" {
			_, err := s.Store.Member(l.ID, v.Account)
			member = err == nil
		}
		if !l.Advertised && !member {
			continue
		}
		log, err := s.Store.Log(l.ID)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		x := row{Name: l.MailboxName(s.DefaultDomain), Title: cmp.Or(l.Title, l.Name), Description: firstLine(l.Description),
			Address: string(l.Address()), Readable: l.ReadableBy(member)}
		if x.Readable {
			x.Posts = log.Count
			if log.Count > 0 {
				x.Latest = log.Latest.Format("2 January 2006")
			}
		}
		rows = append(rows, x)
		key += fmt.Sprint(x)
	}
	s.cached(w, r, v, "text/html; charset=utf-8", key, func() ([]byte, error) {
		return s.render(r, v, Page{Title: s.Name, Template: "index", Feed: "/feed.atom", Content: map[string]any{"Site": s.Name, "Lists": rows}})
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// threadsPerPage on a list's front page.
const threadsPerPage = 40

type threadRow struct {
	ID                        uint64
	Subject, From, LatestFrom string
	Posts                     int
	When, Stamp               string
}

func (x *reading) threads() {
	before, _ := strconv.ParseUint(x.r.URL.Query().Get("before"), 10, 64)
	ts, err := x.Store.Threads(x.list.ID, before, threadsPerPage+1)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	next := uint64(0)
	if len(ts) > threadsPerPage {
		ts = ts[:threadsPerPage]
		next = ts[threadsPerPage-1].LatestNumber
	}
	var rows []threadRow
	for _, t := range ts {
		rows = append(rows, threadRow{ID: t.ID, Subject: x.subject(t.Subject), From: x.person(t.From), LatestFrom: x.person(t.LatestFrom),
			Posts: t.Posts, When: when(t.Latest), Stamp: stamp(t.Latest)})
	}
	months, err := x.Store.Months(x.list.ID)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	p := x.shell(x.title(), "list", map[string]any{"Name": x.name, "Title": x.title(), "Description": x.list.Description, "Address": x.list.Address(),
		"Roster": x.maySeeMembers(), "Threads": rows, "Older": before != 0, "Next": next, "Months": months, "Join": x.howToJoin()})
	x.page(p)
}

// howToJoin says in a sentence what the setting join means.
func (x *reading) howToJoin() string {
	owner := x.list.Name + "-owner@" + x.list.Domain
	switch {
	case x.member != nil:
		return "You are a member. To leave, use the unsubscribe link of any mail of this list."
	case x.list.Join == "closed":
		return "Members are added by the owners: write to " + owner + "."
	case x.list.Join == "approve":
		return "To join, write to " + owner + "; the owners decide."
	}
	return "To join, write to " + owner + "."
}

func (x *reading) maySeeMembers() bool {
	return x.member != nil && (x.member.Role != store.RoleMember || x.list.MembersVisible == "members")
}

// membersPerPage of the roster.
const membersPerPage = 500

func (x *reading) members() {
	if !x.maySeeMembers() {
		x.noRight("Only the owners of this list see who its members are.")
		return
	}
	type row struct {
		Name    string
		Address store.Address
		Role    store.Role
	}
	var rows []row
	next := store.Address("")
	for m, err := range x.Store.Members(x.list.ID, store.Address(x.r.URL.Query().Get("after"))) {
		if err != nil {
			x.failed(x.w, x.r, err)
			return
		}
		if m.Conceal && x.member.Role == store.RoleMember {
			continue
		}
		if len(rows) == membersPerPage {
			next = rows[len(rows)-1].Address
			break
		}
		rows = append(rows, row{m.Name, m.Address, m.Role})
	}
	p := x.shell("Members", "members", map[string]any{"Title": x.title(), "Members": rows, "Next": next})
	p.NoIndex = true
	x.Render(x.w, x.r, http.StatusOK, p)
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
		name = shortened(name)
	}
	return cmp.Or(name, "unknown")
}

func subject(s string) string { return cmp.Or(strings.TrimSpace(s), "(no subject)") }

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
	return subject(s)
}

func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (x *reading) monthPages(rest string) {
	month, isMbox := strings.CutSuffix(rest, ".mbox.gz")
	months, err := x.Store.Months(x.list.ID)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	i := slices.IndexFunc(months, func(m store.Month) bool { return m.Month == month })
	switch {
	case i < 0:
		x.missing(x.w, x.r)
		return
	case isMbox:
		x.mbox(x.name+"-"+month, x.Store.MonthPosts(x.list.ID, month))
		return
	}
	x.month(months, i)
}

const postsPerMonthPage = 500

func (x *reading) month(months []store.Month, i int) {
	type row struct {
		Number                     uint64
		Subject, From, When, Stamp string
	}
	var rows []row
	skip, _ := strconv.Atoi(x.r.URL.Query().Get("from"))
	more, n := 0, 0
	for p, err := range x.Store.MonthPosts(x.list.ID, months[i].Month) {
		if err != nil {
			x.failed(x.w, x.r, err)
			return
		}
		if n++; n <= skip {
			continue
		}
		if len(rows) == postsPerMonthPage {
			more = n - 1
			break
		}
		rows = append(rows, row{p.Number, x.subject(p.Subject), x.person(p.From), when(p.Date), stamp(p.Date)})
	}
	content := map[string]any{"Name": x.name, "Title": x.title(), "Month": months[i].Month, "Count": months[i].Posts, "Posts": rows, "More": more}
	if x.mayDownload() {
		content["Mbox"] = "/" + x.name + "/archive/" + months[i].Month + ".mbox.gz"
	}
	if i+1 < len(months) {
		content["Earlier"] = months[i+1].Month
	}
	if i > 0 {
		content["Later"] = months[i-1].Month
	}
	x.page(x.shell(x.title()+", "+months[i].Month, "month", content))
}
