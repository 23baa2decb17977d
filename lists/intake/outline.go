// Package intake takes one received message, resolves every recipient and combines the results.
package intake

import (
	"context"
	"net/netip"

	"wesouthasians.org/sangam/store"
)

// Envelope is what the transport knows of a message.
type Envelope struct {
	Remote   netip.AddrPort // zero for a unix socket
	Helo     string
	TLS      bool
	Trusted  bool   // from trusted_networks or LMTP
	Sender   string // MAIL FROM as given, empty for the null return path
	UTF8     bool   // SMTPUTF8
	Body8Bit bool
}

// Intake is what smtpd hands messages to.
type Intake struct{}

// Recipient resolves one recipient at RCPT: nil, or a *store.Refusal (550 5.1.1 unknown, 4xx when the store cannot write).
func (in *Intake) Recipient(ctx context.Context, e Envelope, to string) error { panic("outline") }

// Deliver takes the message (with our Received field on top) and returns one result per recipient, in order: nil once it is durable, else a *store.Refusal.
func (in *Intake) Deliver(ctx context.Context, e Envelope, to []string, raw []byte) []error {
	panic("outline")
}

// Combine makes the single answer that SMTP (not LMTP) gives.
var _ store.Refusal
