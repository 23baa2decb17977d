package web

import (
	"cmp"
	"strconv"
	"time"

	"wesouthasians.org/sangam/store"
)

// threadsPerPage on a list's front page.
const threadsPerPage = 40

type threadRow struct {
	ID                               uint64
	Subject, From, LatestFrom, Posts string
	When, Stamp                      string
}

// threads is a list's front page: what it is, its latest threads, how to take part, and its months.
func (x *reading) threads() {
	x.page(func() (Page, error) {
		before, _ := strconv.ParseUint(x.r.URL.Query().Get("before"), 10, 64)
		rows, next, err := x.threadRows(before)
		if err != nil {
			return Page{}, err
		}
		months, err := x.Store.Months(x.list.ID)
		if err != nil {
			return Page{}, err
		}
		content := map[string]any{"Name": x.name, "Title": x.title(), "Description": x.list.Description, "Lang": x.list.Language, "Address": x.list.Address(),
			"Roster": x.maySeeMembers(), "Threads": rows, "Older": before != 0, "Next": next, "Years": years(months), "Part": x.takingPart(),
			"Action": "/" + x.name + "/search"}
		if x.log.Count > 0 {
			content["Facts"] = counted(x.log.Count, "post") + " in " + counted(x.log.Threads, "thread")
		}
		return x.shell(x.title(), "list", content), nil
	})
}

func (x *reading) threadRows(before uint64) (rows []threadRow, next uint64, err error) {
	ts, err := x.Store.Threads(x.list.ID, before, threadsPerPage+1)
	if len(ts) > threadsPerPage {
		ts = ts[:threadsPerPage]
		next = ts[threadsPerPage-1].LatestNumber
	}
	for _, t := range ts {
		posts := t.Posts - t.Removed
		if posts == 0 {
			continue
		}
		row := threadRow{ID: t.ID, Subject: x.subject(t.Subject), From: x.person(t.From), When: when(t.Latest), Stamp: stamp(t.Latest)}
		if posts > 1 {
			row.Posts, row.LatestFrom = counted(posts, "post"), x.person(t.LatestFrom)
		}
		rows = append(rows, row)
	}
	return rows, next, err
}

// part says how to take part in a list.
type part struct {
	Member                             bool
	Post                               string // who may post
	Join                               string // how to join; empty: only by invitation
	JoinAddress, LeaveAddress, OwnerAt string
	May                                bool // the reader may post
}

func (x *reading) takingPart() part {
	at := func(suffix string) string { return x.list.Name + suffix + "@" + x.list.Domain }
	p := part{Member: x.member != nil, JoinAddress: at("-join"), LeaveAddress: at("-leave"), OwnerAt: at("-owner"), May: true}
	switch x.list.Post {
	case "anyone":
		p.Post = "Anyone may write to the list."
	case "moderators":
		p.Post = "Announcements come from the moderators."
		p.May = p.Member && x.member.Role != store.RoleMember
	default:
		p.Post = "Members write to the list; what they send goes to every member and into this archive."
		p.May = p.Member
	}
	switch x.list.Join {
	case "closed":
	case "approve":
		p.Join = "and answer the mail that comes back. The owners then decide."
	default:
		p.Join = "and answer the mail that comes back."
	}
	return p
}

type year struct {
	Year   string
	Months []month
}

// month is one of a year's, newest first.
type month struct {
	Key, Name, Long, Count string
	Posts                  int
}

// years groups months, both newest first.
func years(months []store.Month) (ys []year) {
	for _, m := range months {
		y := cmp.Or(m.Month[:min(4, len(m.Month))], m.Month)
		if len(ys) == 0 || ys[len(ys)-1].Year != y {
			ys = append(ys, year{Year: y})
		}
		last := &ys[len(ys)-1]
		last.Months = append(last.Months, month{m.Month, monthName(m.Month, "Jan"), monthName(m.Month, "January 2006"), counted(m.Posts, "post"), m.Posts})
	}
	return ys
}

// monthName writes the month of a key (2026-11) in another form.
func monthName(key, layout string) string {
	t, err := time.Parse("2006-01", key)
	if err != nil {
		return key
	}
	return t.Format(layout)
}
