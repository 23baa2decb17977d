package imapd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
	"wesouthasians.org/sangam/store"
)

const (
	strangerTimeout = time.Minute      // without a command before login
	readerTimeout   = 35 * time.Minute // and after it; RFC 9051 section 5.4 asks for 30 at least
	writeTimeout    = 2 * time.Minute  // of 16 KiB, so that a slow line is no hindrance and a dead one is noticed
	maxBad          = 100              // answers BAD before the connection is closed
)

// session is one client's. All but stop is called from one goroutine.
type session struct {
	server *Server
	raw    net.Conn // as it was accepted
	secure bool     // the client's bytes came by TLS
	in     *wire.Reader
	out    *wire.Writer
	remote netip.Addr
	ctx    context.Context
	cancel context.CancelFunc
	bad    int  // answers BAD so far
	over   bool // LOGOUT was said

	loggedIn bool
	account  store.Address          // empty: anonymous
	visitor  map[uint64]store.Flags // flags of an anonymous session, by list
	rev2     bool                   // IMAP4rev2 was enabled
	view     *view                  // the mailbox that is selected
}

func newSession(s *Server, c net.Conn) *session {
	ctx, cancel := context.WithCancel(context.Background())
	_, secure := c.(*tls.Conn)
	x := &session{server: s, raw: c, secure: secure, remote: remoteAddr(c), ctx: ctx, cancel: cancel}
	x.out = wire.NewWriter(steady{c})
	x.in = wire.NewReader(c, func() error {
		x.out.Raw("+ Go on\r\n")
		return x.out.Flush()
	})
	return x
}

// steady writes in pieces and gives each its time.
type steady struct{ net.Conn }

func (s steady) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		s.SetWriteDeadline(time.Now().Add(writeTimeout))
		var k int
		k, err = s.Conn.Write(b[n:min(len(b), n+16<<10)])
		n += k
	}
	return n, err
}

// refuse ends a connection that is one too many.
func (x *session) refuse(why string) {
	defer x.raw.Close()
	x.cancel()
	x.raw.SetDeadline(time.Now().Add(5 * time.Second))
	x.bye(imap.ResponseCodeUnavailable, why)
}

func (x *session) bye(code imap.ResponseCode, why string) {
	x.out.Status("*", imap.StatusResponseTypeBye, code, why)
	x.out.Flush()
}

// stop makes the session say BYE and end as soon as it can. It may be called at any time.
func (x *session) stop() {
	x.cancel()
	x.raw.SetReadDeadline(time.Unix(1, 0))
}

// serve speaks with the client until one of the two ends it.
func (x *session) serve() {
	defer x.raw.Close()
	defer x.cancel()
	defer func() {
		if v := recover(); v != nil {
			x.server.Log.Error("panic in an IMAP session", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	x.await() // for TLS that begins with the connection
	x.out.Status("*", imap.StatusResponseTypeOK, x.capabilityCode(), "Sangam serves the archives of mailing lists")
	for x.out.Flush() == nil && !x.over {
		c, err := x.command()
		var refusal *imap.Error
		if err != nil && !errors.As(err, &refusal) {
			x.end(err)
			return
		}
		if err := x.answer(c, err); err != nil {
			x.end(err)
			return
		}
		if x.bad >= maxBad {
			x.bye("", "Too many commands that were not understood")
			x.linger()
			return
		}
	}
}

func (x *session) command() (*wire.Command, error) {
	if err := x.await(); err != nil {
		return nil, err
	}
	return x.in.Command()
}

// await gives the client time for its next line.
func (x *session) await() error {
	timeout := strangerTimeout
	if x.loggedIn {
		timeout = readerTimeout
	}
	x.raw.SetReadDeadline(time.Now().Add(timeout))
	return x.ctx.Err() // stop may have been called before the deadline was set
}

// end says why the server ends the connection, when it does.
func (x *session) end(err error) {
	var timeout net.Error
	switch {
	case x.ctx.Err() != nil:
		x.bye(imap.ResponseCodeUnavailable, "The server is shutting down: come back later")
	case errors.Is(err, errGone):
		x.bye("", "This mailbox is there no more")
	case errors.Is(err, wire.ErrLongLine):
		x.bye("", "A line must not be longer than 64 KiB")
		x.linger()
	case errors.As(err, &timeout) && timeout.Timeout():
		x.bye("", "Nothing was heard from you for too long")
	}
}

// linger takes what the client still sends: a connection closed with bytes unread is reset, and BYE lost with it.
func (x *session) linger() {
	if c, ok := x.raw.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		x.raw.SetReadDeadline(time.Now().Add(2 * time.Second))
		io.CopyN(io.Discard, x.raw, 1<<20)
	}
}
