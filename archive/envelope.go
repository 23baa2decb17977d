package archive

import (
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Bounds of what is kept of an envelope and a body structure, in bytes. Real ones stay far below.
const (
	maxEnvelope  = 256 << 10
	maxStructure = 256 << 10
	maxString    = 2000
)

// missingDomain and missingMailbox stand for what an address lacks, as in other servers: a nil host means a group (RFC 9051 section 7.5.2).
const (
	missingDomain  = "MISSING_DOMAIN"
	missingMailbox = "MISSING_MAILBOX"
)

// budget bounds the text of one description; what comes after it is spent is empty.
type budget int

func (b *budget) text(s string) string {
	s = cutText(s, maxString)
	if int(*b) < len(s) {
		*b = 0
		return ""
	}
	*b -= budget(len(s))
	return s
}

// envelopeText keeps the raw text of a field, encoded words included, for that is what ENVELOPE asks for. Raw 8-bit bytes are decoded;
// package imapd makes encoded words of them.
func (h Header) envelopeText(s string) string {
	s = strings.ReplaceAll(s, "\t", " ")
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return decodeWords(s, h.charset)
		}
	}
	return s
}

// Envelope is what IMAP tells of a header, in the header's own words (RFC 9051 section 7.5.2). What is empty is not there.
type Envelope struct {
	Date, Subject, InReplyTo, MessageID string
	From, Sender, ReplyTo, To, Cc, Bcc  []imap.Address
}

func newEnvelope(h Header) *Envelope {
	left := budget(maxEnvelope)
	text := func(name string) string { return left.text(h.envelopeText(h.Get(name))) }
	return &Envelope{
		Date: text("Date"), Subject: text("Subject"), MessageID: text("Message-ID"),
		From: h.envelopeAddresses("From", &left), Sender: h.envelopeAddresses("Sender", &left), ReplyTo: h.envelopeAddresses("Reply-To", &left),
		InReplyTo: text("In-Reply-To"),
		To:        h.envelopeAddresses("To", &left), Cc: h.envelopeAddresses("Cc", &left), Bcc: h.envelopeAddresses("Bcc", &left),
	}
}

// envelopeAddresses of all fields of this name. A group's start has a mailbox and no host, its end neither.
func (h Header) envelopeAddresses(name string, left *budget) []imap.Address {
	var out []imap.Address
	for _, v := range h.Values(name) {
		for _, m := range parseAddresses(v) {
			if *left <= 0 || len(out) == maxAddresses {
				return closeGroup(out)
			}
			if m.group {
				out = append(out, imap.Address{Mailbox: left.text(h.envelopeText(m.name))})
				continue
			}
			a := imap.Address{
				Name:    left.text(h.envelopeText(m.name)),
				Mailbox: left.text(h.envelopeText(unquoteLocal(m.local))),
				Host:    left.text(h.envelopeText(m.host)),
			}
			if a.Mailbox == "" {
				a.Mailbox = missingMailbox
			}
			if a.Host == "" {
				a.Host = missingDomain
			}
			out = append(out, a)
		}
	}
	return out
}

// unquoteLocal takes RFC 5322 quoting off (RFC 9051, addr-mailbox).
func unquoteLocal(local string) string {
	if strings.HasPrefix(local, `"`) {
		local, _ = cutQuoted(local)
	}
	return local
}

// closeGroup ends a group that was cut off.
func closeGroup(as []imap.Address) []imap.Address {
	for i := len(as) - 1; i >= 0; i-- {
		if as[i].IsGroupEnd() {
			break
		}
		if as[i].IsGroupStart() {
			return append(as, imap.Address{})
		}
	}
	return as
}
