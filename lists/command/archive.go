package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// Bounds of one answer from the archive.
const (
	indexSize  = 20
	maxIndex   = 200
	maxHits    = 20
	maxGet     = 100
	maxGetSize = 5 << 20 // bytes
)

// readable tells whether who asks may read the archive; the text says why not.
func (a *act) readable(l store.List) string {
	role := a.role(l)
	switch {
	case l.Archive == "off":
		return a.sayOf(l, "archive-off", nil)
	case !l.ReadableBy(role != ""):
		return a.sayOf(l, "archive-members", nil)
	}
	return ""
}

func (a *act) getLine(l store.List, number uint64) string {
	return fmt.Sprintf("GET %s %d", l.MailboxName(a.Default), number)
}

// index shows the latest posts with a command for each.
func index(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	if text := a.readable(c.list); text != "" {
		return text, nil
	}
	n := indexSize
	if len(c.args) > 0 {
		if x, err := strconv.Atoi(c.args[0]); err == nil && x > 0 {
			n = min(x, maxIndex)
		}
	}
	log, err := a.Store.Log(c.list.ID)
	if err != nil {
		return "", err
	}
	first := uint64(1)
	if log.Last > uint64(n) {
		first = log.Last - uint64(n) + 1
	}
	var lines []string
	for p, err := range a.Store.Posts(c.list.ID, first, log.Last) {
		if err != nil {
			return "", err
		}
		if !p.Removed {
			lines = append(lines, a.getLine(c.list, p.Number)+"\n   "+describe(p))
		}
	}
	if len(lines) == 0 {
		return a.say("no-posts", nil), nil
	}
	return a.sayOf(c.list, "index", nil) + "\n\n" + strings.Join(lines, "\n"), nil
}

func describe(p store.Post) string {
	return p.Date.Format(time.DateOnly) + "  " + p.From + ": " + p.Subject
}

// get attaches archived posts.
func get(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	if text := a.readable(c.list); text != "" {
		return text, nil
	}
	if len(c.args) > 0 && (strings.EqualFold(c.args[0], "FILE") || strings.EqualFold(c.args[0], "FILES")) {
		return a.getFiles(c, c.args[1:])
	}
	numbers, bad, err := a.numbers(c)
	if bad != "" || err != nil {
		return bad, err
	}
	var texts []string
	size, attached := 0, 0
	for _, x := range a.attached {
		size += len(x.Bytes)
	}
	for i, n := range numbers {
		p, err := a.Store.Post(c.list.ID, n)
		switch {
		case errors.Is(err, store.ErrNotFound):
			texts = append(texts, a.say("no-post", notice.Values{"number": fmt.Sprint(n), "list": string(c.list.Address())}))
			continue
		case err != nil:
			return "", err
		case p.Removed:
			name := "post-removed"
			if p.Unarchived {
				name = "post-unarchived"
			}
			texts = append(texts, a.say(name, notice.Values{"number": fmt.Sprint(n)}))
			continue
		}
		raw, err := a.Store.Raw(c.list.ID, n)
		if err != nil {
			return "", err
		}
		if (size > 0 && size+len(raw) > maxGetSize) || attached == maxGet {
			rest := fmt.Sprintf("%s-%d", a.getLine(c.list, n), numbers[len(numbers)-1])
			if i == len(numbers)-1 {
				rest = a.getLine(c.list, n)
			}
			texts = append(texts, a.say("get-too-much", notice.Values{"number": fmt.Sprint(n), "command": rest}))
			break
		}
		size += len(raw)
		attached++
		a.attached = append(a.attached, notice.Attachment{Filename: fmt.Sprintf("%s-%d.eml", c.list.Name, n), Type: "message/rfc822", Bytes: raw})
		texts = append(texts, fmt.Sprintf("%d  %s", n, describe(p)))
	}
	if attached > 0 {
		texts = append([]string{a.say("get-attached", notice.Values{"count": fmt.Sprint(attached)})}, texts...)
	}
	return strings.Join(texts, "\n"), nil
}

// maxNumbers that one GET may ask for.
const maxNumbers = 1000

// dashes between two numbers, as programs type them.
var (
	dashes     = regexp.MustCompile(` *[-–—] *`)
	rangeSigns = strings.NewReplacer(",", " ", ";", " ", "#", " ")
)

// numbers of the posts that a GET asks for; bad says what is wrong with it.
func (a *act) numbers(c call) (ns []uint64, bad string, err error) {
	args := c.args
	if c.word == "THREAD" {
		args = append([]string{c.word}, args...)
	}
	if len(args) > 0 && strings.EqualFold(args[0], "THREAD") {
		n, parseErr := strconv.ParseUint(strings.Trim(strings.Join(args[1:], ""), marks+"#"), 10, 63)
		if parseErr != nil {
			return nil, a.helpLine(*c.command), nil
		}
		p, err := a.Store.Post(c.list.ID, n)
		if errors.Is(err, store.ErrNotFound) {
			return nil, a.say("no-post", notice.Values{"number": fmt.Sprint(n), "list": string(c.list.Address())}), nil
		}
		if err != nil {
			return nil, "", err
		}
		ps, err := a.Store.ThreadPosts(c.list.ID, p.Thread, 0, maxNumbers)
		for _, p := range ps {
			ns = append(ns, p.Number)
		}
		return ns, "", err
	}
	ns, ok := parseNumbers(args)
	if !ok {
		return nil, a.helpLine(*c.command), nil
	}
	return ns, "", nil
}

// parseNumbers reads numbers and ranges: up to maxNumbers of them. It is false when there is none, or a word is none.
func parseNumbers(args []string) (ns []uint64, ok bool) {
	for word := range strings.FieldsSeq(rangeSigns.Replace(dashes.ReplaceAllString(strings.Join(args, " "), "-"))) {
		first, last, isRange := strings.Cut(word, "-")
		from, err := strconv.ParseUint(first, 10, 62)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseUint(last, 10, 62)
		}
		if err != nil || to < from {
			return nil, false
		}
		for n := from; n <= to && len(ns) < maxNumbers; n++ {
			ns = append(ns, n)
		}
	}
	return ns, len(ns) > 0
}

// query reads the words of a search, which may be of the query language too; bad says what is wrong with them.
func (a *act) query(args []string) (q search.Query, bad string) {
	var text []string
	part := ""
	for _, w := range args {
		switch upper := strings.ToUpper(w); {
		case upper == "SINCE" || upper == "FROM" || upper == "SUBJECT":
			part = upper
			continue
		case part == "SINCE":
			if _, ok := search.ParseDay(w); !ok {
				return q, a.say("bad-value", notice.Values{"given": "SINCE " + cut(w, 40), "example": "SINCE " + a.Now().AddDate(-1, 0, 0).Format(time.DateOnly)})
			}
			w, part = "after:"+w, ""
		case part == "FROM":
			w, part = "from:"+quoted(w), ""
		case part == "SUBJECT":
			w = "subject:" + quoted(w)
		default:
			w = quoted(w)
		}
		text = append(text, w)
	}
	q, err := search.Parse(strings.Join(text, " "))
	var mistake search.Mistake
	switch {
	case len(q.Groups)+len(q.Excluded) == 0 && err == nil, len(text) == 0:
		return q, a.say("say-words", nil)
	case errors.As(err, &mistake):
		return q, a.say("bad-value", notice.Values{"given": mistake.Given, "example": mistake.Example})
	}
	return q, ""
}

// quoted makes several words in one a phrase again.
func quoted(w string) string {
	if strings.ContainsAny(w, " \t") && !strings.Contains(w, `"`) {
		return `"` + w + `"`
	}
	return w
}

// searchList shows what is found, best first, with a command for each.
func searchList(a *act, ctx context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	if text := a.readable(c.list); text != "" {
		return text, nil
	}
	q, bad := a.query(c.args)
	if bad != "" {
		return bad, nil
	}
	stranger := a.role(c.list) == ""
	found, err := a.Search.Search(ctx, search.Request{Query: q, Lists: []store.List{c.list}, Limit: maxHits, Hide: func(store.List) bool { return stranger }})
	if err != nil {
		return "", err
	}
	if len(found.Hits) == 0 {
		return a.say("found-nothing", nil), nil
	}
	var lines []string
	for i, h := range found.Hits {
		about := describe(h.Post)
		if stranger {
			about = archive.Shorten(about)
		}
		lines = append(lines, fmt.Sprintf("%d. %s\n   %s\n   %s", i+1, about, h.Excerpt, a.getLine(c.list, h.Post.Number)))
	}
	return a.sayOf(c.list, "found", notice.Values{"count": fmt.Sprint(found.Total)}) + "\n\n" + strings.Join(lines, "\n\n"), nil
}
