package web

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// feedPosts is how many posts a feed has, and feedText how much of each, in bytes.
const (
	feedPosts = 25
	feedText  = 4000
)

// atom is a feed of RFC 4287.
type atom struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title   string     `xml:"title"`
	ID      string     `xml:"id"`
	Updated string     `xml:"updated"`
	Author  string     `xml:"author>name"`
	Links   []atomLink `xml:"link"`
	Summary string     `xml:"summary"`
}

func (x *reading) feed() {
	ps, err := x.latest(feedPosts)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	x.atom(x.title(), "/"+x.name+"/", ps)
}

// latest posts, newest first.
func (x *reading) latest(n uint64) (ps []store.Post, err error) {
	from := uint64(1)
	if x.log.Last > n {
		from = x.log.Last - n + 1
	}
	for p, err := range x.Store.Posts(x.list.ID, from, x.log.Last) {
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	slices.Reverse(ps)
	return ps, nil
}

func (x *reading) atom(title, page string, ps []store.Post) {
	x.cached(x.w, x.r, x.viewer, "application/atom+xml; charset=utf-8", x.key(), func() ([]byte, error) {
		latest := x.log.Latest
		if latest.IsZero() {
			latest = x.list.Created
		}
		f := atom{Title: clean(title), ID: x.URL + page, Updated: stamp(latest), Links: []atomLink{{Href: x.URL + page}, {Rel: "self", Href: x.URL + x.r.URL.Path}}}
		for _, p := range ps {
			if e, ok := x.entry(p); ok {
				f.Entries = append(f.Entries, e)
			}
		}
		return marshal(f)
	})
}

func marshal(v any) ([]byte, error) {
	b, err := xml.MarshalIndent(v, "", " ")
	return append([]byte(xml.Header), b...), err
}

// clean keeps what XML may hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func (x *reading) entry(p store.Post) (atomEntry, bool) {
	if p.Removed {
		return atomEntry{}, false
	}
	raw, err := x.Store.Raw(x.list.ID, p.Number)
	if err != nil {
		return atomEntry{}, false
	}
	text := archive.Read(raw).Text
	text = strings.ToValidUTF8(text[:min(len(text), feedText)], "")
	if x.hide() {
		text = archive.Shorten(text)
	}
	page := fmt.Sprintf("%s/%s/%d", x.URL, url.PathEscape(x.name), p.Number)
	return atomEntry{Title: clean(x.subject(p.Subject)), ID: page, Updated: stamp(p.Received), Author: clean(x.person(p.From)),
		Links: []atomLink{{Href: page}}, Summary: clean(text)}, true
}

// siteFeed has the latest posts of all public lists.
func (s *Site) siteFeed(w http.ResponseWriter, r *http.Request) {
	lists, err := s.publicLists()
	if err != nil {
		s.failed(w, r, err)
		return
	}
	key := ""
	var readings []*reading
	for _, l := range lists {
		log, err := s.Store.Log(l.ID)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		key += fmt.Sprint(l.ID, log.Last, log.Count, l.Settings)
		readings = append(readings, &reading{Site: s, r: r, list: l, name: l.MailboxName(s.DefaultDomain), log: log})
	}
	s.cached(w, r, Viewer{}, "application/atom+xml; charset=utf-8", key, func() ([]byte, error) {
		f := atom{Title: clean(s.Name), ID: s.URL + "/", Updated: stamp(time.Unix(0, 0)), Links: []atomLink{{Href: s.URL + "/"}, {Rel: "self", Href: s.URL + "/feed.atom"}}}
		for _, x := range readings {
			ps, err := x.latest(feedPosts)
			if err != nil {
				return nil, err
			}
			for _, p := range ps {
				if e, ok := x.entry(p); ok {
					f.Entries = append(f.Entries, e)
				}
			}
		}
		slices.SortStableFunc(f.Entries, func(a, b atomEntry) int { return strings.Compare(b.Updated, a.Updated) })
		f.Entries = f.Entries[:min(len(f.Entries), feedPosts)]
		if len(f.Entries) > 0 {
			f.Updated = f.Entries[0].Updated
		}
		return marshal(f)
	})
}

func (s *Site) publicLists() ([]store.List, error) {
	lists, err := s.Store.Lists()
	return slices.DeleteFunc(lists, func(l store.List) bool { return l.Archive != "public" || !l.Advertised }), err
}

// robots lets crawlers read the public lists, and no downloads.
func (s *Site) robots(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, "User-agent: *\nDisallow: /login\nDisallow: /u/\nDisallow: /c/\nDisallow: /*.mbox.gz$\nDisallow: /*.eml$\nDisallow: /*?\nCrawl-delay: 1\nSitemap: "+s.URL+"/sitemap.xml\n")
}

// sitemap names the public lists and their months.
func (s *Site) sitemap(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		Loc string `xml:"loc"`
	}
	var urls struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URL     []entry  `xml:"url"`
	}
	lists, err := s.publicLists()
	for _, l := range lists {
		page := s.URL + "/" + url.PathEscape(l.MailboxName(s.DefaultDomain)) + "/"
		urls.URL = append(urls.URL, entry{page})
		months, merr := s.Store.Months(l.ID)
		if merr != nil {
			err = merr
		}
		for _, m := range months {
			urls.URL = append(urls.URL, entry{page + "archive/" + m.Month})
		}
	}
	b, merr := marshal(urls)
	if err != nil || merr != nil {
		s.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Write(b)
}
