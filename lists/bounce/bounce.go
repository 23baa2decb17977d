// Package bounce reads what comes back: which addresses a message says could not be reached, and how bad that is. The
// command line explains messages with it, and intake records failures by it. It is pure and never fails: a message it cannot
// make sense of is Unknown.
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

// Recipient is one address that a report is about.
type Recipient struct {
	Address   store.Address `json:"address"`
	Action    string        `json:"action"`    // failed, delayed, complained
	Status    string        `json:"status"`    // enhanced status code (RFC 3463), or the SMTP code; may be empty
	Permanent bool          `json:"permanent"` // it will fail again
}

// Report is what a message says.
type Report struct {
	Kind       Kind        `json:"kind"`
	Recipients []Recipient `json:"recipients"`
	Answer     string      `json:"-"` // the remote's words about the first recipient, on one line
}

// message is what the readers look at.
type message struct {
	raw    []byte
	root   *archive.Part
	header archive.Header
	text   string   // what a person reads, before the returned message
	ours   []string // addresses that the message is from or to: none of them is the one that failed
}

// readers in the order of their trust: standard reports, then header fields, then prose.
var readers = []func(*message) (Report, bool){complaint, standard, refused, failedHeader, prose}

// Read reads a message that came to a return path.
func Read(raw []byte) Report {
	m := newMessage(raw)
	if automatic(m) {
		return Report{Kind: AutoReply, Recipients: []Recipient{}}
	}
	for _, read := range readers {
		if r, ok := read(m); ok {
			return settle(r)
		}
	}
	for _, p := range parts(m.root, "message/rfc822") { // a report that somebody forwarded
		if p.Message != nil && p.Message != m.root && bounceSender.MatchString(p.Message.Header().Text("From")) {
			return Read(raw[p.BodyStart:p.End])
		}
	}
	return Report{Kind: Unknown, Recipients: []Recipient{}}
}

// settle makes a delay of a report in which nothing failed, and leaves each address once.
func settle(r Report) Report {
	once := []Recipient{}
	for _, rc := range r.Recipients {
		if !slices.ContainsFunc(once, func(x Recipient) bool { return x.Address == rc.Address }) {
			once = append(once, rc)
		}
	}
	r.Recipients = once
	if r.Kind == Bounce && !slices.ContainsFunc(once, func(x Recipient) bool { return x.Action == "failed" }) {
		r.Kind = Delay
	}
	return r
}

func newMessage(raw []byte) *message {
	m := &message{raw: raw, root: archive.Parse(raw)}
	m.header = m.root.Header()
	m.text = humanText(raw, m.root)
	for _, name := range []string{"From", "To", "Sender", "Reply-To", "X-Failed-To"} {
		for _, a := range m.header.Addresses(name) {
			m.ours = append(m.ours, string(a))
		}
	}
	return m
}

// maxText of a report that is read as prose.
const maxText = 64 << 10

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
			return p.Subtype == "delivery-status"
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
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// oneLine bounds the words of a remote.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}
