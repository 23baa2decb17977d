package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"wesouthasians.org/sangam/store"
)

// listRow is a list on the front page.
type listRow struct {
	Name, Title, Description, Lang, Address, Posts, Latest string
	Readable                                               bool
}

// index is the front page: the advertised lists, and those of the reader.
func (s *Site) index(w http.ResponseWriter, r *http.Request) {
	v := s.Viewer(r)
	lists, err := s.Store.Lists()
	if err != nil {
		s.failed(w, r, err)
		return
	}
	var rows []listRow
	searchable := false
	example := "" // of a list that can be joined
	for _, l := range lists {
		member := false
		if v.Account != "" {
			_, err := s.Store.Member(l.ID, v.Account)
			member = err == nil
		}
		if !l.Advertised && !member {
			continue
		}
		row, err := s.listRow(l, member)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		rows = append(rows, row)
		searchable = searchable || row.Readable
		if l.Join != "closed" && !member && example == "" {
			example = l.Name + "-join@" + l.Domain
		}
	}
	key := fmt.Sprint(r.URL.RequestURI(), rows, example)
	s.cached(w, r, v, "text/html; charset=utf-8", key, func() ([]byte, error) {
		return s.render(r, v, Page{Title: s.Name, Template: "index", Feed: "/feed.atom",
			Content: map[string]any{"Site": s.Name, "Lists": rows, "Searchable": searchable, "Action": "/search", "All": true, "Example": example, "Help": "listserv@" + s.DefaultDomain}})
	})
}

func (s *Site) listRow(l store.List, member bool) (listRow, error) {
	log, err := s.Store.Log(l.ID)
	row := listRow{Name: l.MailboxName(s.DefaultDomain), Title: cmp.Or(l.Title, l.Name), Description: firstLine(l.Description), Lang: l.Language,
		Address: string(l.Address()), Readable: l.ReadableBy(member)}
	if row.Readable {
		row.Posts = counted(log.Count, "post")
		if log.Count > 0 {
			row.Latest = day(log.Latest)
		}
	}
	return row, err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
