package smtpd

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxCommand bounds a command line: far more than RFC 5321 section 4.5.3.1.4 asks for.
const maxCommand = 64 << 10

var errLongCommand = errors.New("command line too long")

// listener lets in what the limits allow.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.server.admit(nc); c != nil {
			return c, nil
		}
	}
}

// admit makes the connection one of ours, or answers 421 and closes it.
func (s *Server) admit(nc net.Conn) *conn {
	c := &conn{Conn: nc, server: s}
	if a, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		c.remote = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	c.trusted = s.trusted(c.remote.Addr())
	s.mu.Lock()
	full := len(s.conns) >= s.MaxConnections && s.MaxConnections > 0 || s.draining
	if !full {
		s.conns[c] = struct{}{}
	}
	s.mu.Unlock()
	if full {
		refuse(nc, "421 4.3.2 too many connections: try again later\r\n")
		return nil
	}
	if !c.trusted && !s.clients.connect(c.remote.Addr(), time.Now()) {
		s.forget(c)
		refuse(nc, "421 4.7.0 too many connections from your address: try again later\r\n")
		return nil
	}
	c.counted = !c.trusted
	return c
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

func refuse(c net.Conn, line string) {
	c.SetWriteDeadline(time.Now().Add(time.Second))
	c.Write([]byte(line))
	c.Close()
}

// conn knows whether a transaction runs, bounds command lines, and can be told to end when none runs.
type conn struct {
	net.Conn
	server  *Server
	remote  netip.AddrPort // zero for a unix socket
	trusted bool
	counted bool // among the client's connections
	line    int  // bytes of the line being read
	greeted bool

	mu          sync.Mutex
	transaction bool   // MAIL was accepted and the message is not through
	data        bool   // a message is being read: lines may be long
	dotted      bool   // it comes by DATA in the clear, and its bare CRs are marked
	held        bool   // a CR was read, and what follows it was not
	ending      string // why the session is to end, as the code and text of a 421
	closed      bool
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.marked(b)
	c.mu.Lock()
	data := c.data
	c.mu.Unlock()
	for _, x := range b[:n] {
		if c.line++; x == '\n' || data {
			c.line = 0
		}
	}
	if c.line > maxCommand {
		return 0, errLongCommand
	}
	return n, err
}

// marked reads with a NUL for each bare CR of a message, which is refused for either. go-smtp loses a CR behind a dot, and does not see
// the end of a message behind a CR too many.
func (c *conn) marked(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		at := 0
		if c.held && len(b) > 1 {
			b[0], at = '\r', 1
		}
		c.mu.Unlock()
		n, err := c.Conn.Read(b[at:])
		c.mu.Lock()
		if n += at; at > 0 {
			c.held = false
		}
		if !c.dotted {
			return n, err
		}
		for i := range n {
			if b[i] == '\r' && i+1 < n && b[i+1] != '\n' {
				b[i] = 0
			}
		}
		if n > 0 && b[n-1] == '\r' && err == nil {
			c.held = true
			n--
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// SetReadDeadline is how the session waits for the next command: one that is to end waits no longer.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending != "" && !c.transaction {
		t = time.Unix(1, 0)
	}
	return c.Conn.SetReadDeadline(t)
}

// Write says in go-smtp's place what it does not know: why the session ends, and our name in the answer to EHLO (RFC 5321 section 4.1.1.1).
// Behind TLS neither can be told.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.greet(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	why := c.ending
	c.mu.Unlock()
	said := b
	if name, ok := bytes.CutPrefix(b, []byte("250-Hello ")); ok {
		said = append([]byte("250-"+c.server.Hostname+" greets "), name...)
	} else if why != "" && bytes.HasPrefix(b, []byte("421 4.4.2 ")) {
		said = []byte("421 " + why + "\r\n")
	}
	if _, err := c.Conn.Write(said); err != nil {
		return 0, err
	}
	return len(b), nil
}

// drain ends the session with 421 as soon as no transaction runs.
func (c *conn) drain(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = why
	if !c.transaction {
		c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (c *conn) setTransaction(on bool) {
	c.mu.Lock()
	c.transaction = on
	c.mu.Unlock()
}

func (c *conn) setData(on, dotted bool) {
	c.mu.Lock()
	c.data, c.dotted = on, dotted
	c.mu.Unlock()
}

func (c *conn) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	c.mu.Unlock()
	if was {
		return nil
	}
	c.server.forget(c)
	if c.counted {
		c.server.clients.disconnect(c.remote.Addr())
	}
	return c.Conn.Close()
}
