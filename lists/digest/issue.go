package digest

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// entry is one post of a digest: its description and its bytes as distributed (CRLF).
type entry struct {
	store.Post
	raw []byte
}

// issue is what one digest is made of. Its methods write whole messages with CRLF, always the same ones from the same issue.
type issue struct {
	list      store.List
	site      post.Site
	number    int
	date      time.Time // in the list's time zone
	messageID string    // with angle brackets
	entries   []entry   // at least one, in posting order
	links     bool      // in place of attachments, where there is an archive
	link      func(entry, archive.Attachment) string
}

// mail of a mode. An index of posts that cannot be got is of no use: on a list without archive it is a text.
func (i issue) mail(mode store.Delivery) []byte {
	switch {
	case mode == store.DeliverDigest:
		return i.mime()
	case mode == store.DeliverIndex && i.list.Archive != "off":
		return i.index()
	}
	return i.text()
}

// archived tells whether a post can be got from the archive.
func (i issue) archived(e entry) bool { return i.list.Archive != "off" && !e.Unarchived }

// header of the digest up to the fields of its content. An answer goes to all, or to the owners when they alone write; replyTo is false where
// commands are expected.
func (i issue) header(subject string, replyTo bool) *bytes.Buffer {
	var b bytes.Buffer
	field := func(name, value string) { b.WriteString(post.Field(name, value)) }
	v := i.values()
	field("From", post.Phrase(v["title"])+" <"+v["request"]+">")
	if i.list.Post == "moderators" {
		v["list"] = v["owner"]
	}
	if replyTo {
		field("Reply-To", v["list"])
	}
	field("To", string(i.list.Address()))
	field("Subject", post.Words(i.say(subject)))
	field("Date", i.date.Format(time.RFC1123Z))
	field("Message-ID", i.messageID)
	for _, f := range post.ListFields(i.site, i.list) {
		field(f[0], f[1])
	}
	field("Auto-Submitted", "auto-generated")
	field("Content-Language", i.language())
	field("MIME-Version", "1.0")
	return &b
}

func (i issue) language() string { return notice.Language(i.list.Language) }

// values of the texts, each one line.
func (i issue) values() notice.Values {
	v := notice.ListValues(i.list, i.site.DefaultDomain)
	v["issue"], v["date"], v["count"] = fmt.Sprint(i.number), i.date.Format(time.DateOnly), fmt.Sprint(len(i.entries))
	v["first"], v["last"] = fmt.Sprint(i.entries[0].Number), fmt.Sprint(i.entries[len(i.entries)-1].Number)
	for name, value := range v {
		v[name] = post.Line(value)
	}
	return v
}

func (i issue) say(name string) string { return notice.Say(i.language(), name, i.values()) }

// contents are the numbered subjects of the posts with their authors.
func (i issue) contents() string {
	var b strings.Builder
	b.WriteString(i.say("digest.contents") + "\n\n")
	for n, e := range i.entries {
		fmt.Fprintf(&b, "%3d. %s\n     %s\n", n+1, post.Line(e.Subject), post.Line(e.From))
	}
	return b.String()
}

// columns that a line takes up, roughly: vowel signs above and below stand with their letter.
func columns(line string) int {
	n := 0
	for _, r := range line {
		if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
			n++
		}
	}
	return n
}
