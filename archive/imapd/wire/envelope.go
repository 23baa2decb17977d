package wire

import (
	"mime"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Envelope of RFC 9051 section 7.5.2. Subject and names beyond ASCII are written as encoded words.
func (w *Writer) Envelope(e *imap.Envelope) *Writer {
	if w.Raw("("); e.Date.IsZero() {
		w.Raw("NIL")
	} else {
		w.Raw(e.Date.Format(`"Mon, 02 Jan 2006 15:04:05 -0700"`))
	}
	w.Raw(" ").NString(encodeWords(e.Subject))
	sender, replyTo := e.Sender, e.ReplyTo
	if len(sender) == 0 {
		sender = e.From
	}
	if len(replyTo) == 0 {
		replyTo = e.From
	}
	for _, as := range [][]imap.Address{e.From, sender, replyTo, e.To, e.Cc, e.Bcc} {
		w.Raw(" ").addresses(as)
	}
	w.Raw(" ")
	if len(e.InReplyTo) == 0 {
		w.Raw("NIL")
	} else {
		w.String("<" + strings.Join(e.InReplyTo, "> <") + ">")
	}
	w.Raw(" ")
	if e.MessageID == "" {
		w.Raw("NIL")
	} else {
		w.String("<" + e.MessageID + ">")
	}
	return w.Raw(")")
}

func (w *Writer) addresses(as []imap.Address) {
	if len(as) == 0 {
		w.Raw("NIL")
		return
	}
	w.Raw("(")
	for _, a := range as {
		w.Raw("(").NString(encodeWords(a.Name)).Raw(" NIL ").NString(a.Mailbox).Raw(" ").NString(a.Host).Raw(")")
	}
	w.Raw(")")
}

func encodeWords(s string) string { return mime.QEncoding.Encode("utf-8", s) }
