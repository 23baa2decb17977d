// Package dns asks name servers: those of the configuration, or those of the system. It remembers answers for some minutes, also that there is
// none and that a server did not answer, so that a name whose servers are dead costs its time only once. Package auth and delivery look up here.
package dns

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How long an answer is remembered. net.Resolver does not tell the time to live.
const (
	keepAnswer  = 5 * time.Minute
	keepFailure = 30 * time.Second
	maxAnswers  = 20_000
)

// timeout of one question, over all servers and tries.
const timeout = 10 * time.Second

// Resolver is safe for concurrent use. Its errors are *net.DNSError; IsNotFound says that a name or record does not exist.
type Resolver struct {
	net     *net.Resolver
	servers []string
	mu      sync.Mutex
	told    map[question]*answer
}

type question struct{ kind, name string }

// answer is there when done is closed.
type answer struct {
	done  chan struct{}
	until time.Time
	value any
	err   error
}

// New asks the servers (host:port) in turns; without any, those of the system.
func New(servers []string) *Resolver {
	r := &Resolver{net: net.DefaultResolver, servers: servers, told: map[question]*answer{}}
	if len(servers) > 0 {
		var turn atomic.Uint32
		r.net = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, servers[int(turn.Add(1)-1)%len(servers)])
		}}
	}
	return r
}

// absolute: names in mail are never completed with a search domain.
func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

// LookupTXT returns the TXT records of a name, each as one string.
func (r *Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return ask(ctx, r, "TXT", name, r.net.LookupTXT)
}

// LookupMX returns the MX records, the most preferred first. A null MX (RFC 7505) has the host ".".
func (r *Resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return ask(ctx, r, "MX", name, r.net.LookupMX)
}

// LookupIPAddr returns the addresses of a host, IPv4 and IPv6.
func (r *Resolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return ask(ctx, r, "IP", host, r.net.LookupIPAddr)
}

// LookupAddr returns the names of an address.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return r.net.LookupAddr(ctx, addr)
}

// ask looks up once for all who ask the same at the same time.
func ask[T any](ctx context.Context, r *Resolver, kind, name string, look func(context.Context, string) (T, error)) (T, error) {
	q, now := question{kind, strings.ToLower(name)}, time.Now()
	r.mu.Lock()
	a := r.told[q]
	if a == nil || !a.until.IsZero() && now.After(a.until) {
		a = &answer{done: make(chan struct{})}
		r.remember(q, a, now)
		go func() {
			within, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
			defer cancel()
			value, err := look(within, absolute(name))
			r.mu.Lock()
			defer r.mu.Unlock()
			a.value, a.err, a.until = value, err, time.Now().Add(lifetime(err))
			close(a.done)
		}()
	}
	r.mu.Unlock()
	select {
	case <-a.done:
		return a.value.(T), a.err
	case <-ctx.Done():
		var zero T
		return zero, &net.DNSError{Err: ctx.Err().Error(), Name: name, IsTimeout: true, IsTemporary: true}
	}
}

func lifetime(err error) time.Duration {
	var dns *net.DNSError
	if err == nil || errors.As(err, &dns) && dns.IsNotFound {
		return keepAnswer
	}
	return keepFailure
}

// remember makes room when there is none. The lock is held.
func (r *Resolver) remember(q question, a *answer, now time.Time) {
	if len(r.told) >= maxAnswers {
		for k, old := range r.told {
			if !old.until.IsZero() && now.After(old.until) {
				delete(r.told, k)
			}
		}
		if len(r.told) >= maxAnswers {
			clear(r.told)
		}
	}
	r.told[q] = a
}
