// Package login checks passwords for IMAP and web, and slows down who guesses: after three wrong ones each further answer
// waits, twice as long every time, for the account and for the network that asks. Nobody is exempt, and nobody is locked out.
// To guess many at the same time gains nothing: only a few of a network are judged at once, the others wait for their turn.
package login

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"wesouthasians.org/sangam/store"
)

// ErrWrong: address and password do not belong together. It does not tell which is wrong.
var ErrWrong = errors.New("wrong address or password")

const (
	free       = 3 // wrong passwords that cost no time, and logins of a network that are judged at the same time
	firstWait  = time.Second
	longest    = 15 * time.Second
	forgetting = 15 * time.Minute // without a wrong password
	maxKept    = 20_000           // accounts and networks that are remembered
)

// Gate is shared by everything that takes passwords.
type Gate struct {
	store *store.Store
	log   *slog.Logger

	mu    sync.Mutex
	wrong map[string]*record
}

type record struct {
	count int
	last  time.Time
	turns chan struct{} // of a network
}

// New returns a gate.
func New(st *store.Store, log *slog.Logger) *Gate {
	return &Gate{store: st, log: log, wrong: map[string]*record{}}
}

// Check returns the account, or ErrWrong. It waits for its turn, and before it answers when there were wrong passwords; the
// context ends the wait.
func (g *Gate) Check(ctx context.Context, remote netip.Addr, address, password string) (store.Account, error) {
	a, err := store.ParseAddress(address)
	keys := []string{"network " + network(remote), "account " + string(a)}
	if err != nil {
		keys = keys[:1]
	}
	turns := g.turns(keys[0])
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return store.Account{}, ctx.Err()
	}
	if err := wait(ctx, g.delay(keys)); err != nil {
		return store.Account{}, err
	}
	acc, ok := g.store.Authenticate(a, password)
	if !ok {
		g.count(keys)
		g.log.Info("login refused", "account", a, "remote", remote)
		return store.Account{}, ErrWrong
	}
	g.forget(keys)
	return acc, nil
}

func network(a netip.Addr) string {
	a = a.Unmap()
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p.String()
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turns of a network: as many as there are free wrong passwords.
func (g *Gate) turns(network string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.record(network, time.Now())
	if r.turns == nil {
		r.turns = make(chan struct{}, free)
	}
	return r.turns
}

// record of a key, made when there is none. The caller holds mu.
func (g *Gate) record(k string, now time.Time) *record {
	r := g.wrong[k]
	if r == nil {
		g.makeRoom(now)
		r = &record{}
		g.wrong[k] = r
	}
	if now.Sub(r.last) > forgetting {
		r.count = 0
	}
	return r
}

// delay is the longest that any of the keys has earned.
func (g *Gate) delay(keys []string) (d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys {
		r := g.wrong[k]
		if r == nil || r.count < free || time.Since(r.last) > forgetting {
			continue
		}
		own := longest
		if doublings := r.count - free; doublings < 4 {
			own = min(longest, firstWait<<doublings)
		}
		d = max(d, own)
	}
	return d
}

func (g *Gate) count(keys []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for _, k := range keys {
		r := g.record(k, now)
		r.count, r.last = r.count+1, now
	}
}

// makeRoom forgets what is old; under attack by very many, any.
func (g *Gate) makeRoom(now time.Time) {
	if len(g.wrong) < maxKept {
		return
	}
	for k, r := range g.wrong {
		if now.Sub(r.last) > forgetting {
			delete(g.wrong, k)
		}
	}
	for k := range g.wrong {
		if len(g.wrong) < maxKept {
			return
		}
		delete(g.wrong, k)
	}
}

// forget is for the account alone: one good password does not free a network that guesses others.
func (g *Gate) forget(keys []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys[1:] {
		delete(g.wrong, k)
	}
}
