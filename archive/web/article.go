package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// article is a post as the template shows it.
type article struct {
	List, Subject, From, When, Stamp, Reply string
	Author, Lang                            string
	Rest                                    string // where the whole text is, when this is its beginning
	Number                                  uint64
	Depth                                   int
	Removed, Unarchived                     bool
	Text                                    template.HTML
	Parent                                  *parent
	Images, Files                           []file
}

type parent struct{ Link, From string }

type file struct{ Link, Name, Type, Size string }

// What is drawn of a post.
const (
	maxDepth  = 8       // in its thread
	maxImages = 10      // others are links
	maxImage  = 500_000 // bytes; a larger picture is a link, for lines are slow
)

// article shows up to limit bytes of text.
func (x *reading) article(p store.Post, depth, limit int) (article, error) {
	a := article{List: x.name, Number: p.Number, Subject: x.subject(p.Subject), From: x.person(p.From), When: when(p.Date), Stamp: stamp(p.Date),
		Depth: min(depth, maxDepth), Removed: p.Removed, Unarchived: p.Unarchived, Lang: p.Language}
	if p.Removed {
		return a, nil
	}
	raw, err := x.Store.Raw(x.list.ID, p.Number)
	if errors.Is(err, store.ErrNotFound) {
		a.Removed = true
		return a, nil
	}
	if store.IsDamage(err) {
		x.Log.Error("a post cannot be shown", "list", x.list.Address(), "number", p.Number, "cause", err)
		a.Text = "<p>This post is damaged and cannot be shown.</p>"
		return a, nil
	}
	if err != nil {
		return a, err
	}
	if p.From != string(p.Author) {
		a.Author = string(p.Author)
		if x.hide() {
			a.Author = archive.Shorten(a.Author)
		}
	}
	body := archive.Read(raw)
	if len(body.HTML)/markupPerText > limit { // little text, much markup
		body.HTML, body.HTMLOnly = "", false
	}
	if len(body.Text) > limit {
		body.Text = strings.ToValidUTF8(body.Text[:limit], "")
		body.HTML, body.HTMLOnly = "", false
		a.Rest = fmt.Sprintf("/%s/%d", x.name, p.Number)
	}
	a.Text = bodyHTML(body, x.mono, x.hide())
	a.Reply = x.replyLink(p)
	x.attach(&a, body.Attachments)
	return a, nil
}

// markupPerText is how much longer than its text HTML may be on a page with several posts.
const markupPerText = 4

func (x *reading) attach(a *article, files []archive.Attachment) {
	for _, f := range files {
		if f.Removed() {
			a.Files = append(a.Files, file{Name: "An attachment was removed"})
			continue
		}
		shown := file{Link: fmt.Sprintf("/%s/%d/%d/%s", x.name, a.Number, f.K, url.PathEscape(f.Filename)), Name: visible(f.Filename), Type: f.Type, Size: kilobytes(f.Size)}
		if x.hide() {
			shown.Name = archive.Shorten(shown.Name)
		}
		if shownTypes[f.Type] && len(a.Images) < maxImages && f.Size <= maxImage {
			a.Images = append(a.Images, shown)
		}
		a.Files = append(a.Files, shown)
	}
}

// replyLink opens the reader's mail program with an answer that finds its thread (RFC 6068).
func (x *reading) replyLink(p store.Post) string {
	subject := strings.TrimPrefix(p.Subject, "Re: ")
	if x.hide() {
		subject = archive.Shorten(subject)
	}
	q := url.Values{"Subject": {"Re: " + subject}}
	if p.MessageID != "" {
		q.Set("In-Reply-To", "<"+p.MessageID+">")
	}
	return "mailto:" + string(x.list.Address()) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func kilobytes(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d KB", (n+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1_000_000)
}
