package web

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/archive"
	shared "wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/store"
)

// filesPerPage of what is shared on a list.
const filesPerPage = 40

// sharedRow is a file or a link with its older versions.
type sharedRow struct {
	Link, Name, Title, What   string
	Away                      bool // the link leads to another site
	From, When, Stamp, Thread string
	Post                      uint64
	Earlier                   []sharedRow
}

// shownName is how much of a web address is shown, in characters.
const shownName = 120

// files shows what is shared on a list, newest first.
func (x *reading) files() {
	if err := x.shared.Catch(x.list.ID); err != nil { // what is gathered can be shown
		x.Log.Error("files cannot be gathered", "list", x.name, "cause", err)
	}
	cursor, err := x.Store.FilesCursor(x.list.ID)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	x.cached(x.w, x.r, x.viewer, "text/html; charset=utf-8", x.key(cursor), func() ([]byte, error) {
		content, err := x.filesContent(cursor)
		if err != nil {
			return nil, err
		}
		p := x.shell("Files and links", "files", content)
		p.NoIndex = p.NoIndex || x.r.URL.RawQuery != ""
		return x.render(x.r, x.viewer, p)
	})
}

func (x *reading) filesContent(cursor store.FilesCursor) (map[string]any, error) {
	asked := x.r.URL.Query()
	q := asked.Get("q")
	before, _ := strconv.ParseUint(asked.Get("before"), 10, 64)
	kind := asked.Get("kind")
	fs, err := x.Store.Files(x.list.ID, store.FileQuery{Before: before, Words: shared.Words(q), Links: kind == "links", Attachments: kind == "files", Limit: filesPerPage + 1})
	if err != nil {
		return nil, err
	}
	address := func(kind string, before uint64) string {
		v := url.Values{}
		if q != "" {
			v.Set("q", q)
		}
		if kind != "" {
			v.Set("kind", kind)
		}
		if before != 0 {
			v.Set("before", fmt.Sprint(before))
		}
		to := "/" + x.name + "/files"
		if len(v) > 0 {
			to += "?" + v.Encode()
		}
		return to
	}
	content := map[string]any{"Name": x.name, "Title": x.title(), "Query": q, "Kind": kind, "Older": before != 0,
		"All": address("", 0), "OnlyFiles": address("files", 0), "OnlyLinks": address("links", 0), "First": address(kind, 0)}
	if len(fs) > filesPerPage {
		fs = fs[:filesPerPage]
		content["Next"] = address(kind, fs[filesPerPage-1].ID)
	}
	var rows []sharedRow
	for _, f := range fs {
		row := x.sharedRow(f)
		for _, older := range f.Earlier {
			row.Earlier = append(row.Earlier, x.sharedRow(older))
		}
		rows = append(rows, row)
	}
	content["Files"] = rows
	if cursor.Upto < x.log.Last {
		content["Waiting"] = counted(x.log.Last-cursor.Upto, "post")
	}
	return content, nil
}

func (x *reading) sharedRow(f store.Shared) sharedRow {
	row := sharedRow{Title: x.shownText(f.Title), From: x.person(f.In.From), When: when(f.In.Date), Stamp: stamp(f.In.Date), Thread: x.subject(f.Subject), Post: f.Post}
	if f.Link() {
		row.Link, row.Away, row.What = target(f.Name, x.hide()), true, "Link"
		row.Name = x.shownText(strings.TrimPrefix(strings.TrimPrefix(f.Name, "https://"), "http://"))
		if rs := []rune(row.Name); len(rs) > shownName {
			row.Name = string(rs[:shownName]) + "…"
		}
		return row
	}
	row.Link = fmt.Sprintf("/%s/%d/%d/%s", x.name, f.Post, f.K, url.PathEscape(f.Name))
	row.Name, row.What = x.shownText(f.Name), kindOf(f.File)+", "+kilobytes(int(f.Size))
	if row.Title != "" && strings.HasPrefix(f.Name, fmt.Sprintf("part-%d.", f.K)) { // a name that nobody gave it
		row.Name, row.Title = row.Title, ""
	}
	return row
}

// shownText is what others wrote, as this reader sees it.
func (x *reading) shownText(s string) string {
	if x.hide() {
		s = archive.Shorten(s)
	}
	return visible(s)
}

// kindOf a file for people: the end of its name, else its media type.
func kindOf(f store.File) string {
	if ext := strings.TrimPrefix(path.Ext(f.Name), "."); ext != "" && len(ext) <= 5 && visible(ext) == ext {
		return strings.ToUpper(ext)
	}
	return cmp.Or(f.Type, "file")
}
