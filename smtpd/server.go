// Package smtpd receives mail by SMTP (RFC 5321) and LMTP (RFC 2033). It reads a message, adds the Received field and
// hands it to a Handler while the client waits; only then comes the answer. The end of a message is <CRLF>.<CRLF> and
// nothing else: a bare LF is content and becomes CRLF, a bare CR or a NUL is refused, so that no other host can see in what we
// send on another end than we saw.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/semaphore"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/lists/post"
)

// Handler takes what was received. Its errors are *store.Refusal; any other is answered 451.
type Handler interface {
	// Recipient is asked at RCPT.
	Recipient(ctx context.Context, e intake.Envelope, to string) error
	// Deliver returns one result a recipient, in order: nil when the message is durable.
	Deliver(ctx context.Context, e intake.Envelope, to []string, raw []byte) []error
}

// Verifier finds out whether a message is of whom it says, and writes that into it. An error says that this cannot be found out now.
type Verifier interface {
	Verify(ctx context.Context, e intake.Envelope, raw []byte) ([]byte, post.Auth, error)
}

// Scanner looks at the content of a message and tells what it holds against it; empty: nothing. A *store.Refusal is the answer to the client,
// any other error says that there is no verdict.
type Scanner interface {
	Scan(ctx context.Context, e intake.Envelope, to []string, raw []byte) (suspicion string, err error)
}

// Options of New. Zero limits mean the default.
type Options struct {
	Hostname       string
	Handler        Handler
	Verifier       Verifier // nil: nothing is verified
	Scanner        Scanner  // nil: no content is looked at
	DeferUnscanned bool     // what the scanner has no verdict on is to come again; else it is taken
	Resolver       Resolver
	Blocklists     []string // zones of DNS blocklists; clients on them are refused
	Greylist       bool     // clients that are not known are to come again
	EarlyTalkers   bool     // clients that speak before they are greeted are refused
	MaxMessageSize int64    // bytes, announced as SIZE
	MaxConnections int
	Trusted        []netip.Prefix // no limit a client, Envelope.Trusted
	TLSConfig      *tls.Config    // nil: no STARTTLS
	LMTP           bool
	Limits         Limits
	Log            *slog.Logger
}

// timeout of one read or write, RFC 5321 section 4.5.3.2.
const timeout = 5 * time.Minute

// maxRecipients of one message, RFC 5321 section 4.5.3.1.8 asks for 100.
const maxRecipients = 100

// memory bounds the bytes of messages that are being read, over all sessions.
const memory = 256 << 20

// Server serves any number of listeners.
type Server struct {
	Options
	smtp    *smtp.Server
	clients *clients
	grey    *greylist
	memory  *semaphore.Weighted

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	s := &Server{Options: o, clients: newClients(o.Limits), grey: newGreylist(), memory: semaphore.NewWeighted(max(memory, o.MaxMessageSize)), conns: map[*conn]struct{}{}}
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain = o.Hostname
	s.smtp.LMTP = o.LMTP
	s.smtp.MaxMessageBytes = o.MaxMessageSize
	s.smtp.MaxRecipients = maxRecipients
	s.smtp.MaxLineLength = 0 // it would break posts with long lines; conn bounds commands
	s.smtp.TLSConfig = o.TLSConfig
	s.smtp.EnableSMTPUTF8 = true
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = timeout, timeout
	s.smtp.ErrorLog = errorLog{o.Log}
	return s
}

// Serve accepts connections until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	err := s.smtp.Serve(&listener{l, s})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil
	}
	return fmt.Errorf("serve SMTP: %w", err)
}

// Shutdown closes the listeners at once, ends sessions without a transaction with 421, and waits for the others until
// the context ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		c.drain("4.3.2 the server is going down: try again later")
	}
	s.mu.Unlock()
	err := s.smtp.Shutdown(ctx)
	if errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	if ctx.Err() != nil {
		s.mu.Lock()
		left := slices.Collect(maps.Keys(s.conns))
		s.mu.Unlock()
		for _, c := range left {
			c.Close()
		}
		return fmt.Errorf("shut down SMTP: %w", ctx.Err())
	}
	return nil
}

func (s *Server) trusted(a netip.Addr) bool {
	if s.LMTP || !a.IsValid() { // from an MTA of ours; from a unix socket
		return true
	}
	for _, p := range s.Trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// errorLog takes what go-smtp reports: a panic is our fault, the rest are clients that went away.
type errorLog struct{ log *slog.Logger }

func (l errorLog) Printf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if len(text) > 5 && text[:5] == "panic" {
		l.log.Error("panic in an SMTP session", "panic", text)
		return
	}
	l.log.Debug("SMTP session ended", "cause", text)
}

func (l errorLog) Println(v ...any) { l.Printf("%s", fmt.Sprintln(v...)) }
