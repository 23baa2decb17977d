package web

import (
	"slices"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/store"
)

// monthPages serves the posts of a month as page and mbox.
func (x *reading) monthPages(rest string) {
	key, isMbox := strings.CutSuffix(rest, ".mbox.gz")
	months, err := x.Store.Months(x.list.ID)
	if err != nil {
		x.failed(x.w, x.r, err)
		return
	}
	i := slices.IndexFunc(months, func(m store.Month) bool { return m.Month == key })
	switch {
	case i < 0:
		x.missing(x.w, x.r)
	case isMbox:
		x.mbox(x.name+"-"+key, x.Store.MonthPosts(x.list.ID, key))
	default:
		x.page(func() (Page, error) { return x.month(months, i) })
	}
}

const postsPerMonthPage = 200

type postRow struct {
	Number                     uint64
	Subject, From, When, Stamp string
}

func (x *reading) month(months []store.Month, i int) (Page, error) {
	key := months[i].Month
	skip, _ := strconv.Atoi(x.r.URL.Query().Get("from"))
	rows, more, err := x.postsOfMonth(key, skip)
	if err != nil {
		return Page{}, err
	}
	name := monthName(key, "January 2006")
	content := map[string]any{"Name": x.name, "Title": x.title(), "Month": name, "Key": key, "Count": counted(months[i].Posts, "post"), "Posts": rows, "More": more}
	if x.mayDownload() {
		content["Mbox"] = "/" + x.name + "/archive/" + key + ".mbox.gz"
	}
	for at, k := range map[int]string{i + 1: "Earlier", i - 1: "Later"} {
		if at >= 0 && at < len(months) {
			content[k] = month{Key: months[at].Month, Long: monthName(months[at].Month, "January 2006")}
		}
	}
	return x.shell(name+" · "+x.title(), "month", content), nil
}

// postsOfMonth are those behind the first skip; more is where the next page begins, 0 when there is none.
func (x *reading) postsOfMonth(key string, skip int) (rows []postRow, more int, err error) {
	n := 0
	for p, err := range x.Store.MonthPosts(x.list.ID, key) {
		if err != nil {
			return nil, 0, err
		}
		if n++; n <= skip {
			continue
		}
		if len(rows) == postsPerMonthPage {
			return rows, n - 1, nil
		}
		rows = append(rows, postRow{p.Number, x.subject(p.Subject), x.person(p.From), when(p.Date), stamp(p.Date)})
	}
	return rows, 0, nil
}
