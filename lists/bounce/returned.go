package bounce

import (
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// returned is the header of the message that came back.
func (m *message) returned() archive.Header {
	found := parts(m.root, "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
	if len(found) == 0 {
		return archive.Header{}
	}
	if p := found[0].Message; p != nil && p != m.root {
		return p.Header()
	}
	return archive.ParseHeader(archive.CRLF(found[0].Decode(m.raw, maxText)))
}

// returnedAt is where the returned message begins in a text.
var returnedAt = regexp.MustCompile(`(?im)^[> ]*(-{2,}.*(original|below this line|copy of (the|your) message|unsent message|returned message|message header|header of|forwarded message|message follows).*|` +
	`received: (from|by|\().*|return-path: ?.*|(the )?original message (follows|headers?|text).*:?|=== original message ===.*|\*\*\* original message.*|your (original )?message (text )?follows:?.*)$`)

func beforeReturned(text string) string {
	if at := returnedAt.FindStringIndex(text); at != nil {
		return text[:at[0]]
	}
	return text
}

// maxParts of one kind: a report with more is none.
const maxParts = 100

var (
	forClause = regexp.MustCompile(`\sfor\s+<?([^\s<>;]+@[^\s<>;]+?)>?\s*;`)
	summaryTo = regexp.MustCompile(`(?i)^[\s>]*to\s*:(.*)$`)
	bareWord  = regexp.MustCompile(`^[\s>*-]+([\pL\pN][\pL\pN._+-]{1,63})\s*$`)
	opening   = regexp.MustCompile(`(?i)(recipient|address|destinat|user)[^@]*:\s*$|not accepting mail.*:\s*$`)
)

// nameless reads reports that name nobody in full: an account of the reporting server without its domain, or the addressee only in
// what comes back. A list's own address, which is all that To says of its posts, is nobody.
func nameless(m *message) (Report, bool) {
	formal := m.unspecified()
	if !formal && !m.looksLikeReport() {
		return Report{}, false
	}
	a := m.bareName()
	if a == "" {
		a = m.summarized()
	}
	if a == "" && formal {
		a = addressee(m.returned())
	}
	if a == "" || m.ours[a] || !strings.Contains(a.Domain(), ".") {
		return Report{}, false
	}
	return Report{Kind: Bounce, Answer: oneLine(firstCode(m.text)), Recipients: m.judge([]mention{{address: a, line: -1}})}, true
}

// unspecified tells whether it is a formal report of failure whose part for programs names no recipient.
func (m *message) unspecified() bool {
	status := parts(m.root, "message/delivery-status", "message/global-delivery-status")
	if len(status) == 0 || len(status) > maxParts {
		return false
	}
	for _, p := range status {
		if strings.Contains(strings.ToLower(p.DecodeText(m.raw, maxText)), "-recipient:") {
			return false
		}
	}
	return true
}

// bareName is a name on a line of its own, below one that announces those who were not reached.
func (m *message) bareName() store.Address {
	from := m.header.Addresses("From")
	if len(from) == 0 || !robot(from[0]) {
		return ""
	}
	for i, line := range m.lines[1:] {
		if name := bareWord.FindStringSubmatch(line); name != nil && opening.MatchString(m.lines[i]) {
			return mailAddress(name[1] + "@" + from[0].Domain())
		}
	}
	return ""
}

// summarized is the only To address in the report's own summary of the message.
func (m *message) summarized() store.Address {
	for i, line := range m.lines {
		if to := summaryTo.FindStringSubmatch(line); to != nil && headerOfMessage(m.lines[i:]) && strings.Count(to[1], "@") == 1 {
			return mailAddress(to[1])
		}
	}
	return ""
}

// addressee of a returned message: the host that took it from us says so in its Received field; else the only To address of mail that
// is not a list's.
func addressee(h archive.Header) store.Address {
	if f := forClause.FindStringSubmatch(h.Get("Received")); f != nil {
		return mailAddress(f[1])
	}
	to := h.Addresses("To")
	if len(to) != 1 || h.Has("List-Id") || h.Has("List-Post") || h.Has("List-Help") || h.Has("List-Unsubscribe") {
		return ""
	}
	return to[0]
}
