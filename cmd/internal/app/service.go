package app

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// service is one server with its listeners.
type service struct {
	name      string
	at        []string // host:port or unix:/path
	wrap      func(net.Listener) net.Listener
	serve     func(net.Listener) error
	shutdown  func(context.Context) error
	listeners []net.Listener
}

func (s *service) listen() error {
	for _, at := range s.at {
		l, err := listen(at)
		if err != nil {
			return err
		}
		if s.wrap != nil {
			l = s.wrap(l)
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

func (s *service) close() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// serveHTTP is http.Server.Serve without its sign of an orderly end.
func serveHTTP(server *http.Server) func(net.Listener) error {
	return func(l net.Listener) error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
