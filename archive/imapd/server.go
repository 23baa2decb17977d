package imapd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"wesouthasians.org/sangam/store"
)

// Login checks passwords and slows those who guess.
type Login interface {
	Check(ctx context.Context, remote netip.Addr, address, password string) (store.Account, error)
}

// Moderator decides about held posts.
type Moderator interface {
	Approve(ctx context.Context, held uint64) (store.Post, error)
	Reject(ctx context.Context, held uint64, reason string) error
}

// Options of New. A limit of 0 is none.
type Options struct {
	Store          *store.Store
	Login          Login
	Moderator      Moderator
	DefaultDomain  string      // lists in it are named without their domain
	TLSConfig      *tls.Config // for STARTTLS; nil: none
	MaxConnections int
	MaxPerAccount  int
	MaxPerAddress  int // connections from one network address
	Log            *slog.Logger
}

// Server serves any number of listeners.
type Server struct {
	Options
	near, far *imapserver.Server // clients on loopback may log in without TLS, others not

	mu       sync.Mutex
	closing  bool
	sessions map[*session]struct{}
	accounts map[store.Address]int
	remotes  map[netip.Addr]int
	ends     []net.Listener
	wg       sync.WaitGroup
}

// capabilities besides those that imapserver always has. LITERAL+ is not among them: a refused literal of it would be read
// as commands.
var capabilities = imap.CapSet{
	imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
	imap.CapSearchRes: {}, imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {},
	imap.CapBinary: {}, imap.CapChildren: {}, imap.CapSpecialUse: {},
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	s := &Server{Options: o, sessions: map[*session]struct{}{}, accounts: map[store.Address]int{}, remotes: map[netip.Addr]int{}}
	s.near, s.far = s.protocol(true), s.protocol(false)
	return s
}

func (s *Server) protocol(insecureAuth bool) *imapserver.Server {
	return imapserver.New(&imapserver.Options{
		NewSession: s.newSession, Caps: capabilities, TLSConfig: s.TLSConfig, InsecureAuth: insecureAuth, Logger: protocolLog{s.Log},
	})
}

// protocolLog takes what imapserver reports: a panic is our fault, the rest are clients that went away.
type protocolLog struct{ log *slog.Logger }

func (l protocolLog) Printf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.HasPrefix(text, "panic") {
		l.log.Error("panic in an IMAP session", "panic", text)
		return
	}
	l.log.Debug("IMAP session", "message", text)
}

// Serve accepts connections until Shutdown. A listener for implicit TLS is a tls.Listener.
func (s *Server) Serve(l net.Listener) error {
	near, far := newHalf(l.Addr()), newHalf(l.Addr())
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errors.Join(l.Close(), errors.New("the IMAP server is closed"))
	}
	s.ends = append(s.ends, l)
	s.mu.Unlock()
	s.wg.Go(func() { s.near.Serve(near) })
	s.wg.Go(func() { s.far.Serve(far) })
	defer near.Close()
	defer far.Close()
	for {
		c, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closing {
				return nil
			}
			return fmt.Errorf("serve IMAP: %w", err)
		}
		if remoteAddr(c).IsLoopback() {
			near.conns <- c
		} else {
			far.conns <- c
		}
	}
}

func remoteAddr(c net.Conn) netip.Addr {
	a, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return a.Addr().Unmap()
}

// half hands some of a listener's connections to one of the two servers.
type half struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

func newHalf(a net.Addr) *half {
	return &half{conns: make(chan net.Conn), done: make(chan struct{}), addr: a}
}

func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *half) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *half) Addr() net.Addr { return h.addr }

func bye(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBye, Text: text}
}

// newSession counts the connection, or ends it with BYE.
func (s *Server) newSession(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	ctx, cancel := context.WithCancel(context.Background())
	remote := remoteAddr(c.NetConn())
	x := &session{server: s, conn: c, remote: remote, ctx: ctx, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		cancel()
		return nil, nil, bye("The server is shutting down: try again later")
	case s.MaxConnections > 0 && len(s.sessions) >= s.MaxConnections:
		cancel()
		return nil, nil, bye("Too many connections: try again later")
	case s.MaxPerAddress > 0 && s.remotes[remote] >= s.MaxPerAddress:
		cancel()
		return nil, nil, bye("Too many connections from your address: close some of them")
	}
	s.sessions[x] = struct{}{}
	s.remotes[remote]++
	return x, &imapserver.GreetingData{}, nil
}

// entered counts a session of an account.
func (s *Server) entered(x *session, a store.Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.MaxPerAccount > 0 && s.accounts[a] >= s.MaxPerAccount {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeLimit, Text: "Too many connections of this account: close some of them"}
	}
	s.accounts[a]++
	return nil
}

func (s *Server) left(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x)
	if s.remotes[x.remote]--; s.remotes[x.remote] <= 0 {
		delete(s.remotes, x.remote)
	}
	if x.account == "" {
		return
	}
	if s.accounts[x.account]--; s.accounts[x.account] <= 0 {
		delete(s.accounts, x.account)
	}
}

// Shutdown closes the listeners, says BYE to every session and waits until they are gone or the context ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for _, l := range s.ends {
		l.Close()
	}
	var open []*session
	for x := range s.sessions {
		open = append(open, x)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var saying sync.WaitGroup
		for _, x := range open {
			saying.Go(func() {
				x.cancel()
				x.conn.Bye("The server is shutting down: come back later")
			})
		}
		saying.Wait()
		s.wg.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	return errors.Join(s.near.Close(), s.far.Close())
}
