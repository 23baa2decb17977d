package deliver

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Copy is one message for one recipient: fields of its own on top of content that it shares with the other copies.
type Copy struct {
	From    string // envelope sender
	To      string
	Head    []byte // whole header fields, CRLF
	Content *Content
}

// Content is what all copies of a post share.
type Content struct {
	Raw      []byte // CRLF
	EightBit bool

	once sync.Once
	wire []byte
}

// Wire is the content as it goes over SMTP: dots doubled at the start of a line (RFC 5321 section 4.5.2), only CRLF as
// line ends, and the final dot. It is made once.
func (c *Content) Wire() []byte {
	c.once.Do(func() {
		raw := archive.CRLF(c.Raw)
		out := make([]byte, 0, len(raw)+len(raw)/64+16)
		start := true
		for i, b := range raw {
			switch {
			case b == '\r' && (i+1 == len(raw) || raw[i+1] != '\n'):
				b = ' ' // a bare CR may be taken for the end of a line, and so of the message
			case start && b == '.':
				out = append(out, '.')
			}
			out = append(out, b)
			start = b == '\n'
		}
		c.wire = append(out, ".\r\n"...)
	})
	return c.wire
}

func newContent(raw []byte) *Content {
	return &Content{Raw: raw, EightBit: bytes.ContainsFunc(raw, func(r rune) bool { return r >= utf8.RuneSelf })}
}

// Kind is the fate of one attempt.
type Kind int

// Fates of an attempt.
const (
	Delivered Kind = iota + 1
	Deferred       // 4xx: this recipient, later
	Failed         // 5xx: this recipient, never
	Down           // nothing can be sent at all: no word about this recipient
)

// Result of one attempt. Answer is what the remote said, on one line.
type Result struct {
	Kind   Kind
	Answer string
}

// Transport hands copies over. Deliver calls report exactly once for each copy, by its index; a copy is Delivered only
// when the remote has taken responsibility for it. It is called by several goroutines.
type Transport interface {
	Deliver(ctx context.Context, copies []Copy, report func(i int, r Result))
	Close() error
}

// renderer makes the copies of one job.
type renderer struct {
	addresses *lists.Addresses
	webURL    string
	list      store.List
	job       store.Job
	content   *Content
}

// newRenderer rewrites From once for all copies when the list says so.
func newRenderer(a *lists.Addresses, webURL string, l store.List, j store.Job, raw []byte) *renderer {
	if j.Number != 0 && l.FromRewrite == "always" {
		raw = rewriteFrom(raw, l)
	}
	return &renderer{a, webURL, l, j, newContent(raw)}
}

// copy for one recipient. A post gets the return path and the unsubscribe fields of its member (RFC 2369, RFC 8058).
func (r *renderer) copy(rc store.Recipient) Copy {
	if !r.job.ListMail() {
		return Copy{From: string(r.job.Sender), To: rc.Mailbox, Content: r.content}
	}
	l := r.list
	head := fmt.Sprintf("Sender: %s-bounces@%s\r\n"+
		"List-Unsubscribe: <%s/u/%s>,\r\n\t<mailto:%s>\r\n"+
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
		l.Name, l.Domain, r.webURL, r.addresses.UnsubscribeToken(rc.Member), r.addresses.Leave(l, rc.Member))
	return Copy{From: r.addresses.VERP(l, rc.Member), To: rc.Mailbox, Head: []byte(head), Content: r.content}
}

// rewriteFrom makes the list the author of the copies and keeps the author in Reply-To, so that an answer to the author
// still works.
func rewriteFrom(raw []byte, l store.List) []byte {
	h := archive.ParseHeader(raw)
	d := archive.Describe(raw, time.Time{})
	title := l.Title
	if title == "" {
		title = l.Name
	}
	name := d.Post.From
	if name == "" {
		name = d.Post.Author.Local()
	}
	from := post.Phrase(name+" via "+title) + " <" + string(l.Address()) + ">"
	var out bytes.Buffer
	out.WriteString("From: " + from + "\r\n")
	var authors []string
	for _, a := range h.Addresses("From") {
		authors = append(authors, string(a))
	}
	if !h.Has("Reply-To") && len(authors) > 0 {
		out.WriteString("Reply-To: " + strings.Join(authors, ", ") + "\r\n")
	}
	dropping := false
	for line := range bytes.Lines(raw[:headerEnd(raw)]) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			dropping = strings.EqualFold(string(bytes.TrimSpace(name)), "From")
		}
		if !dropping {
			out.Write(line)
		}
	}
	out.Write(raw[headerEnd(raw):])
	return out.Bytes()
}

// headerEnd is where the empty line behind the header begins.
func headerEnd(raw []byte) int {
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		return i + 2
	}
	return len(raw)
}
