package digest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"time"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// entry is one post of a digest with its bytes as distributed.
type entry struct {
	store.Post
	raw []byte
}

// issue is what one digest is made of.
type issue struct {
	list      store.List
	site      post.Site
	number    int
	at        time.Time // in the list's time zone
	messageID string
	entries   []entry // in posting order
}

// build makes the mail of a mode: whole but for the fields that differ from member to member.
func (i issue) build(mode store.Delivery) []byte {
	switch mode {
	case store.DeliverDigestText:
		return i.text()
	case store.DeliverIndex:
		return i.index()
	}
	return i.mime()
}

func (i issue) say(name string) string {
	v := notice.ListValues(i.list, i.site.DefaultDomain)
	v["issue"], v["date"], v["count"] = fmt.Sprint(i.number), i.at.Format(time.DateOnly), fmt.Sprint(len(i.entries))
	v["first"], v["last"] = fmt.Sprint(i.entries[0].Number), fmt.Sprint(i.entries[len(i.entries)-1].Number)
	return notice.Say(notice.Language(i.list.Language), name, v)
}

// header of the mail without the fields of its content.
func (i issue) header(subject string) *bytes.Buffer {
	var b bytes.Buffer
	at := func(suffix string) string { return i.list.Name + suffix + "@" + i.list.Domain }
	b.WriteString(post.Field("From", post.Phrase(notice.Title(i.list))+" <"+at("-request")+">"))
	b.WriteString(post.Field("Reply-To", string(i.list.Address())))
	b.WriteString(post.Field("To", string(i.list.Address())))
	b.WriteString(post.Field("Subject", post.Words(subject)))
	b.WriteString(post.Field("Date", i.at.Format(time.RFC1123Z)))
	b.WriteString(post.Field("Message-ID", "<"+i.messageID+">"))
	for _, f := range post.ListFields(i.site, i.list) {
		b.WriteString(post.Field(f[0], f[1]))
	}
	b.WriteString("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n")
	return &b
}

// contents are the subjects of the posts with their authors.
func (i issue) contents() string {
	var b strings.Builder
	b.WriteString(i.say("digest.contents") + "\n\n")
	for n, e := range i.entries {
		fmt.Fprintf(&b, "%3d. %s\n     %s\n", n+1, e.Subject, e.From)
	}
	return b.String()
}

// mime is the digest as multipart/digest (RFC 2046 section 5.1.5): every post as it was, so that each charset and attachment comes through
// and each can be answered.
func (i issue) mime() []byte {
	front := i.say("digest.intro") + "\n\n" + i.contents()
	eight := !ascii(front)
	for _, e := range i.entries {
		eight = eight || !ascii(string(e.raw))
	}
	outer, inner := i.boundary("a"), i.boundary("b")
	b := i.header(i.say("digest.subject"))
	encoding := func(w *bytes.Buffer, eight bool) {
		if eight {
			w.WriteString("Content-Transfer-Encoding: 8bit\r\n")
		}
	}
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + outer + "\"\r\n")
	encoding(b, eight)
	b.WriteString("\r\n--" + outer + "\r\n")
	b.Write(textPart(front))
	b.WriteString("\r\n--" + outer + "\r\nContent-Type: multipart/digest; boundary=\"" + inner + "\"\r\n")
	encoding(b, eight)
	for _, e := range i.entries {
		b.WriteString("\r\n--" + inner + "\r\n")
		if !ascii(string(e.raw)) {
			b.WriteString("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n")
		}
		b.WriteString("\r\n")
		b.Write(archive.CRLF(e.raw))
	}
	b.WriteString("\r\n--" + inner + "--\r\n\r\n--" + outer + "--\r\n")
	return b.Bytes()
}

// boundary is the same each time it is made, and found in no post.
func (i issue) boundary(which string) string {
	h := sha256.New()
	for _, e := range i.entries {
		h.Write(e.raw)
	}
	for n := 0; ; n++ {
		b := fmt.Sprintf("=_sangam_%x", sha256.Sum256(fmt.Appendf(h.Sum(nil), "%s%d", which, n)))[:40]
		found := false
		for _, e := range i.entries {
			found = found || bytes.Contains(e.raw, []byte(b))
		}
		if !found {
			return b
		}
	}
}

// separator between the posts of a text digest, RFC 1153 section 4.
var separator = strings.Repeat("-", 30)

// text is the digest of RFC 1153: one text for all posts, in UTF-8.
func (i issue) text() []byte {
	var t strings.Builder
	t.WriteString(i.say("digest.intro") + "\n\n" + i.contents() + "\n" + strings.Repeat("-", 70) + "\n\n")
	for _, e := range i.entries {
		t.WriteString(e.asText() + "\n" + separator + "\n\n")
	}
	end := i.say("digest.end")
	t.WriteString(end + "\n" + strings.Repeat("*", min(utf8.RuneCountInString(end), 70)) + "\n")
	b := i.header(i.say("digest.subject"))
	b.Write(textPart(t.String()))
	return b.Bytes()
}

// kept fields in the order of RFC 1153 section 4.2.1.
var kept = []string{"Date", "From", "To", "Cc", "Subject", "Message-ID"}

// asText is a post with its main fields. A line of its text that looks like a separator gets a space in front.
func (e entry) asText() string {
	h := archive.ParseHeader(e.raw)
	var t strings.Builder
	for _, name := range kept {
		if v := h.Text(name); v != "" {
			t.WriteString(name + ": " + v + "\n")
		}
	}
	t.WriteString("\n")
	body := archive.Read(e.raw)
	text := body.Text
	if body.Flowed {
		text = archive.Unflow(text, body.DelSp)
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n "), "\n") {
		if strings.HasPrefix(line, separator) {
			line = " " + line
		}
		t.WriteString(line + "\n")
	}
	for _, a := range body.Attachments {
		fmt.Fprintf(&t, "\n[%s, %s, %s]\n", strings.Join(strings.Fields(a.Filename), " "), a.Type, store.FormatSize(int64(max(1, a.Size/1000))*1000))
	}
	return t.String()
}

// index is the list of posts with a command for each, to be answered.
func (i issue) index() []byte {
	var t strings.Builder
	t.WriteString(i.say("digest.index-intro") + "\n\n")
	for _, e := range i.entries {
		fmt.Fprintf(&t, "GET %s %d\n   %s  %s: %s\n", i.list.MailboxName(i.site.DefaultDomain), e.Number, e.Date.In(i.at.Location()).Format(time.DateOnly), e.From, e.Subject)
	}
	b := i.header(i.say("digest.index-subject"))
	b.Write(textPart(t.String()))
	return b.Bytes()
}

// maxLine of RFC 5322 section 2.1.1.
const maxLine = 998

// textPart is a text with LF as a part: as it is when it is ASCII of short lines, else quoted-printable.
func textPart(text string) []byte {
	var b bytes.Buffer
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\r\n")
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\n")
	if ascii(text) && !longLines(text) {
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n" + text)
		return b.Bytes()
	}
	b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			return false
		}
	}
	return true
}

func longLines(s string) bool {
	for line := range strings.Lines(s) {
		if len(line) > maxLine {
			return true
		}
	}
	return false
}
