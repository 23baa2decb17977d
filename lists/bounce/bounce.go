// Package bounce reads what comes back: which addresses a message says could not be reached, and how bad that is. The
// command line explains messages with it, intake records failures by it, and delivery judges the answers of remotes by it.
// It is pure and never fails: a message it cannot make sense of is Unknown.
package bounce

import (
	"slices"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Kind of message.
type Kind string

// Kinds of messages.
const (
	Bounce    Kind = "bounce"     // delivery failed
	Delay     Kind = "delay"      // delivery is still being tried: not a bounce
	AutoReply Kind = "auto-reply" // out of office, challenge, receipt: not a bounce
	Complaint Kind = "complaint"  // somebody pressed the spam button (RFC 5965)
	Unknown   Kind = "unknown"
)

// Actions of recipients.
const (
	failed     = "failed"
	delayed    = "delayed"
	complained = "complained"
)

// Recipient is one address that a report is about.
type Recipient struct {
	Address   store.Address `json:"address"`
	Action    string        `json:"action"`    // failed, delayed, complained
	Status    string        `json:"status"`    // enhanced status code (RFC 3463), or the SMTP code; may be empty
	Permanent bool          `json:"permanent"` // this message will not arrive, however often it is sent
	Hard      bool          `json:"hard"`      // no other message will arrive either: see Hard
}

// Report is what a message says. Its recipients are at most 500.
type Report struct {
	Kind       Kind           `json:"kind"`
	Recipients []Recipient    `json:"recipients"`
	Unwanted   bool           `json:"-"` // a reader complains, not a program
	Answer     string         `json:"-"` // the remote's words about the first recipient, on one line of at most 300 bytes
	Returned   archive.Header `json:"-"` // of the message that the report is about, if it is attached
}

// Hard tells whether it says of some address that no message will arrive there.
func (r Report) Hard() bool {
	return slices.ContainsFunc(r.Recipients, func(rc Recipient) bool { return rc.Hard })
}

// message is what the readers look at.
type message struct {
	raw     []byte
	root    *archive.Part
	header  archive.Header
	subject string
	from    string
	whole   string   // what a person reads
	text    string   // of that, what stands before the returned message
	lines   []string // of text
	action  string   // failed or delayed, as far as the text as a whole says
	// ours are the addresses that the message is from or to: none of them is the one that failed.
	ours map[store.Address]bool
}

// readers in the order of their trust: standard reports, then fields, then prose.
var readers = []func(*message) (Report, bool){complaint, notification, standard, refused, failedField, prose, nameless}

const (
	maxText       = 64 << 10 // of a report that is read as prose
	maxRecipients = 500
	maxOurs       = 100
)

// Read reads a message that came to a return path.
func Read(raw []byte) Report {
	m := newMessage(raw)
	r := m.read()
	if r.Kind != Unknown {
		return r
	}
	for _, p := range parts(m.root, "message/rfc822") { // a report that somebody forwarded
		if p.Message != nil && p.Message != m.root && bounceSender.MatchString(p.Message.Header().Text("From")) {
			return newMessage(raw[p.BodyStart:p.End]).read()
		}
	}
	return r
}

func (m *message) read() Report {
	if automatic(m) {
		return Report{Kind: AutoReply, Recipients: []Recipient{}}
	}
	for _, read := range readers {
		if r, ok := read(m); ok {
			r.Returned = m.returned()
			return settle(r)
		}
	}
	return Report{Kind: Unknown, Recipients: []Recipient{}}
}

// settle makes a delay of a report in which nothing failed, leaves each address once, and judges.
func settle(r Report) Report {
	once, seen := []Recipient{}, map[store.Address]bool{}
	for _, rc := range r.Recipients {
		if seen[rc.Address] || len(once) == maxRecipients {
			continue
		}
		seen[rc.Address] = true
		once = append(once, rc)
	}
	r.Recipients = once
	if r.Kind == Bounce && !slices.ContainsFunc(once, func(x Recipient) bool { return x.Action == failed }) {
		r.Kind = Delay
	}
	return r
}

func newMessage(raw []byte) *message {
	m := &message{raw: raw, root: archive.Parse(raw), ours: map[store.Address]bool{}}
	m.header = m.root.Header()
	m.subject, m.from = m.header.Text("Subject"), m.header.Text("From")
	m.whole = humanText(raw, m.root)
	m.text = beforeReturned(m.whole)
	m.lines = strings.Split(m.text, "\n")
	m.action = m.actionOfText()
	for _, name := range []string{"From", "To", "Sender", "Reply-To"} {
		for _, a := range m.header.Addresses(name) {
			if len(m.ours) < maxOurs {
				m.ours[a] = true
			}
		}
	}
	return m
}

// humanText joins the text parts in front of the returned message.
func humanText(raw []byte, p *archive.Part) string {
	var b strings.Builder
	var walk func(p *archive.Part) bool
	walk = func(p *archive.Part) bool {
		switch {
		case len(p.Parts) > 0:
			for _, sub := range p.Parts {
				if !walk(sub) {
					return false
				}
			}
		case p.Type == "message" || p.Subtype == "rfc822-headers":
			return isStatus(p)
		case p.MediaType() == "text/plain":
			b.WriteString(p.DecodeText(raw, maxText) + "\n")
		case p.MediaType() == "text/html":
			if b.Len() == 0 {
				b.WriteString(archive.Read(raw[p.Start:p.End]).Text + "\n")
			}
		}
		return b.Len() < maxText
	}
	walk(p)
	text := b.String()
	return strings.ReplaceAll(text[:min(len(text), maxText)], "\r\n", "\n")
}

// parts finds the parts of a media type, also below other multiparts.
func parts(p *archive.Part, types ...string) (found []*archive.Part) {
	var walk func(*archive.Part)
	walk = func(p *archive.Part) {
		if slices.Contains(types, p.MediaType()) {
			found = append(found, p)
		}
		for _, sub := range p.Parts {
			walk(sub)
		}
	}
	walk(p)
	return found
}

// oneLine bounds the words of a remote.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s[:min(len(s), 4000)], "?")), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}
