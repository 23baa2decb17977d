package moderate

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// announcement tells the moderators that a post waits, and its author who is known to have sent it.
func (d *Desk) announcement(p *post.Post, h store.Held) ([]store.Letter, error) {
	l := p.List
	staff, err := d.staff(l)
	if err != nil {
		return nil, err
	}
	attached := []notice.Attachment{{Filename: "post.eml", Type: "message/rfc822", Bytes: attachable(p.Raw)}}
	toStaff, err := d.Office.WriteEach(l, staff, func(lang string) notice.Mail {
		return notice.Mail{Name: "held", ReplyTo: d.Addresses.Confirm(l, d.Addresses.HeldToken(h.ID)), Attached: attached,
			Values: notice.Values{"subject": h.Subject, "from": h.From, "id": fmt.Sprint(h.ID), "reasons": reasonLines(lang, h),
				"until": h.Received.Add(expireAfter).Format(time.DateOnly)}}
	})
	if err != nil {
		return nil, err
	}
	toAuthor, err := d.toAuthor("held-author", l, h, notice.Values{"reasons": reasonLines(d.Office.Language(l, h.Author), h)})
	return append(toStaff, toAuthor...), err
}

// toAuthor writes to the author of a held post; to nobody when it may be another who sent it.
func (d *Desk) toAuthor(name string, l store.List, h store.Held, v notice.Values) ([]store.Letter, error) {
	if !h.Tell {
		return nil, nil
	}
	v["subject"] = h.Subject
	return d.Office.Write(notice.Answer, notice.Mail{Name: name, List: l, To: []store.Address{h.Author}, InReplyTo: h.MessageID, Values: v})
}

// Bounds of what goes to the moderators with the notice.
const (
	maxAttached = 1 << 20  // bytes of a whole post
	maxExcerpt  = 32 << 10 // bytes of the text of a larger one
)

// attachable is a post as it is attached to a notice: of a large one only what it is about, who wrote it, and how its text begins.
func attachable(raw []byte) []byte {
	if len(raw) <= maxAttached {
		return raw
	}
	var b bytes.Buffer
	h := archive.ParseHeader(raw)
	for _, name := range []string{"From", "To", "Cc", "Subject", "Date", "Message-ID"} {
		if v := h.Get(name); v != "" {
			b.WriteString(post.Field(name, v))
		}
	}
	body := archive.Read(raw)
	text := strings.ToValidUTF8(body.Text[:min(len(body.Text), maxExcerpt)], "")
	for _, a := range body.Attachments {
		text += fmt.Sprintf("\n[%s %s]", a.Filename, store.FormatSize(int64(a.Size)))
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	b.Write(post.TextPart(text, ""))
	return b.Bytes()
}

// Reasons for which a post is held, in a language.
func Reasons(lang string, h store.Held) []string {
	var texts []string
	for _, code := range h.Codes {
		name, limit, _ := strings.Cut(code, " ")
		texts = append(texts, notice.Say(lang, "reason."+name, notice.Values{"limit": limit}))
	}
	return texts
}

func reasonLines(lang string, h store.Held) string {
	return "- " + strings.Join(Reasons(lang, h), "\n- ")
}

// Receipt writes to a member who wants one, when a post is accepted; nil: to nobody.
func (d *Desk) Receipt(p *post.Post) (func(number uint64) store.Letter, error) {
	m := p.Member()
	if m == nil || !m.Ack {
		return nil, nil
	}
	write, err := d.Office.Draft(notice.Answer, notice.Mail{Name: "ack", List: p.List, To: []store.Address{m.Address}, InReplyTo: p.Described.Post.MessageID,
		Language: notice.Language(m.Language, p.List.Language), Values: notice.Values{"subject": p.Described.Post.Subject}})
	if err != nil || write == nil {
		return nil, err
	}
	return func(number uint64) store.Letter { return write(notice.Values{"number": fmt.Sprint(number)}) }, nil
}

func (d *Desk) staff(l store.List) ([]store.Address, error) {
	to, err := d.Office.Staff(l, false)
	if len(to) == 0 {
		to = d.Admins
	}
	return to, err
}
