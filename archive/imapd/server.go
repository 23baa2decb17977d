package imapd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

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
	Search         Searcher    // nil: texts are read
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

	mu       sync.Mutex
	closing  bool
	sessions map[*session]struct{}
	accounts map[store.Address]int
	remotes  map[netip.Addr]int
	ends     []net.Listener
	wg       sync.WaitGroup // of sessions
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	return &Server{Options: o, sessions: map[*session]struct{}{}, accounts: map[store.Address]int{}, remotes: map[netip.Addr]int{}}
}

// Serve accepts connections until Shutdown. A listener for implicit TLS is a tls.Listener.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errors.Join(l.Close(), errors.New("the IMAP server is closed"))
	}
	s.ends = append(s.ends, l)
	s.mu.Unlock()
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			s.begin(c)
		case s.isClosing():
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("serve IMAP: %w", err)
		default: // no file descriptors, for example: others may be closed soon
			s.Log.Error("an IMAP connection was not accepted", "cause", err)
			time.Sleep(acceptPause)
		}
	}
}

// acceptPause is how long nothing is accepted when the system refuses.
const acceptPause = 200 * time.Millisecond

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func remoteAddr(c net.Conn) netip.Addr {
	a, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return a.Addr().Unmap()
}

// begin counts the connection and serves it, or ends it with BYE.
func (s *Server) begin(c net.Conn) {
	x := newSession(s, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	refusal := ""
	switch {
	case s.closing:
		refusal = "The server is shutting down: try again later"
	case s.MaxConnections > 0 && len(s.sessions) >= s.MaxConnections:
		refusal = "Too many connections: try again later"
	case s.MaxPerAddress > 0 && s.remotes[x.remote] >= s.MaxPerAddress:
		refusal = "Too many connections from your address: close some of them"
	default:
		s.sessions[x] = struct{}{}
		s.remotes[x.remote]++
	}
	s.wg.Go(func() {
		if refusal != "" {
			x.refuse(refusal)
			return
		}
		defer s.left(x)
		x.serve()
	})
}

// entered counts a session of an account.
func (s *Server) entered(a store.Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.MaxPerAccount > 0 && s.accounts[a] >= s.MaxPerAccount {
		return no(imap.ResponseCodeLimit, "Too many connections of this account: close some of them")
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

// Shutdown closes the listeners, says BYE to every session and waits until they are gone; when the context ends it closes their
// connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for _, l := range s.ends {
		l.Close()
	}
	for x := range s.sessions {
		x.stop()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for x := range s.sessions {
		x.raw.Close()
	}
	s.mu.Unlock()
	<-done
	return nil
}
