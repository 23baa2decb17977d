package deliver

import (
	"bytes"
	"context"
	"sync"

	"wesouthasians.org/sangam/archive"
)

// Copy is one message for one recipient: fields of its own on top of content that it shares with the other copies.
type Copy struct {
	From    string // envelope sender
	To      string
	Content *Content
	// Head makes its fields: whole, with CRLF. It is called any number of times, and takes its time only once.
	Head func() ([]byte, error)
	// SevenBit makes the copy anew without bytes over 127, for a remote that takes no others; nil when there are none.
	SevenBit func() (Copy, error)
}

// Content is what all copies of a post share.
type Content struct {
	Raw      []byte // with CRLF and no bare CR
	EightBit bool

	once sync.Once
	wire []byte
}

// Wire is the content as it goes over SMTP: dots doubled at the start of a line (RFC 5321 section 4.5.2), and the final dot. It is made once.
func (c *Content) Wire() []byte {
	c.once.Do(func() {
		out := make([]byte, 0, len(c.Raw)+len(c.Raw)/64+16)
		start := true
		for _, b := range c.Raw {
			if start && b == '.' {
				out = append(out, '.')
			}
			out = append(out, b)
			start = b == '\n'
		}
		c.wire = append(out, ".\r\n"...)
	})
	return c.wire
}

func newContent(raw []byte) *Content {
	return &Content{Raw: raw, EightBit: eightBit(raw)}
}

// sendable is a message with CRLF as its only line ends, and one at its end. A bare CR may be taken for the end of a line, and so of the message:
// it becomes a blank.
func sendable(raw []byte) []byte {
	raw = archive.CRLF(raw)
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		raw = append(raw[:len(raw):len(raw)], "\r\n"...)
	}
	if bytes.Count(raw, []byte("\r")) == bytes.Count(raw, []byte("\r\n")) {
		return raw
	}
	out := bytes.Clone(raw)
	for i, b := range out {
		if b == '\r' && out[i+1] != '\n' {
			out[i] = ' '
		}
	}
	return out
}

// Kind is the fate of one attempt.
type Kind int

// Fates of an attempt.
const (
	Delivered   Kind = iota + 1
	Deferred         // 4xx: this recipient, later
	Failed           // 5xx: this recipient, never
	Down             // nothing can be sent at all: no word about this recipient
	Unreachable      // nothing can be sent to this destination now: no word about this recipient
)

// Result of one attempt. Answer is what the remote said, on one line.
type Result struct {
	Kind   Kind
	Answer string
	Slower bool // the remote wants less at a time
}

// Transport hands copies over. Deliver calls report for each copy once, by its index; a copy is Delivered only when the remote has taken
// responsibility for it. It may end early, after the first copy: those without a report are given to it again in their turn. It is called by
// several goroutines.
type Transport interface {
	// Destination names where mail for an address goes; the copies of one Deliver have the same.
	Destination(to string) string
	Deliver(ctx context.Context, copies []Copy, report func(i int, r Result))
	Close() error
}
