package archive

import (
	"bytes"
	"strings"
	"time"

	"golang.org/x/text/language"

	"wesouthasians.org/sangam/store"
)

// Description of a message.
type Description struct {
	Post       store.Post // MessageID, Content, Subject, From, Author, Date, Received, Size, Lines, Attachments, Language, Envelope, Structure
	References []string   // ancestors, oldest first, direct parent last; for store.Acceptance
	To, Cc     []store.Address
}

const (
	maxSubject = 1000 // bytes kept in a description
	maxFrom    = 200
)

// Describe never fails. received is used where the Date field is absent or absurd: before 1970, more than a day after received, or of
// a clock that nobody set.
// Attachments counts what Read lists, without signatures.
func Describe(raw []byte, received time.Time) Description {
	root := Parse(raw)
	h := root.header
	from, author := h.author()
	d := Description{To: h.Addresses("To"), Cc: h.Addresses("Cc")}
	d.Post = store.Post{
		MessageID:   h.messageID(),
		Content:     content(raw, root),
		Subject:     cutText(h.Text("Subject"), maxSubject),
		From:        cutText(from, maxFrom),
		Author:      author,
		Date:        received.UTC(),
		Received:    received.UTC(),
		Size:        int64(len(raw)),
		Lines:       int64(bytes.Count(raw[root.BodyStart:root.End], []byte("\n"))),
		Attachments: countAttachments(root),
		Language:    h.language(),
		Envelope:    EncodeEnvelope(newEnvelope(h)),
		Structure:   EncodeStructure(newStructure(raw, root)),
	}
	if date, ok := ParseDate(h.Get("Date")); ok && sensible(date, received) {
		d.Post.Date = date.UTC()
	}
	d.References = h.references(d.Post.MessageID, peopleOf(d.To, d.Cc, []store.Address{author}, h.Addresses("From")))
	return d
}

// language of Content-Language (RFC 3282): the first tag when it is valid.
func (h Header) language() string {
	v, _, _ := strings.Cut(h.Get("Content-Language"), ",")
	if v = strings.TrimSpace(v); v == "" || len(v) > 35 {
		return ""
	}
	tag, err := language.Parse(v)
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}
