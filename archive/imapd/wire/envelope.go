package wire

import (
	"mime"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
)

// Envelope of RFC 9051 section 7.5.2. Subject and names beyond ASCII are written as encoded words.
func (w *Writer) Envelope(e *archive.Envelope) *Writer {
	w.Raw("(").NString(e.Date).Raw(" ").NString(encodeWords(e.Subject))
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
	return w.Raw(" ").NString(e.InReplyTo).Raw(" ").NString(e.MessageID).Raw(")")
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
