package smtpd

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Greylisting (RFC 6647): a client that is not known is asked to come again. Who comes again after some minutes, as mail servers do, is let in
// from then on; who was let in is not asked again while it goes on sending.
const (
	greyDelay = 4 * time.Minute
	greyWait  = 2 * 24 * time.Hour  // within which it must come again
	greyKnown = 35 * 24 * time.Hour // without mail, then it is forgotten
	greyMost  = 100_000
)

// greylist remembers clients since the server started. It is safe for concurrent use.
type greylist struct {
	mu   sync.Mutex
	seen map[grey]greyEntry
}

// grey is what comes again: a network and whom it sends for. A client that was let in is known whatever it sends.
type grey struct {
	network    netip.Prefix
	sender, to string
}

type greyEntry struct{ first, last time.Time }

func newGreylist() *greylist { return &greylist{seen: map[grey]greyEntry{}} }

// pass tells whether mail may come in.
func (g *greylist) pass(a netip.Addr, sender, to string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	near, _ := a.Prefix(24)
	if a.Is6() {
		near, _ = a.Prefix(64)
	}
	known := grey{network: near}
	if e, ok := g.seen[known]; ok && now.Sub(e.last) < greyKnown {
		g.seen[known] = greyEntry{e.first, now}
		return true
	}
	key := grey{near, strings.ToLower(sender), strings.ToLower(to)}
	e, ok := g.seen[key]
	switch {
	case ok && now.Sub(e.first) < greyDelay:
		return false
	case ok && now.Sub(e.first) < greyWait:
		delete(g.seen, key)
		g.seen[known] = greyEntry{now, now}
		return true
	}
	g.sweep(now)
	g.seen[key] = greyEntry{now, now}
	return false
}

// sweep makes room when there is none.
func (g *greylist) sweep(now time.Time) {
	if len(g.seen) < greyMost {
		return
	}
	for k, e := range g.seen {
		if k.to == "" && now.Sub(e.last) >= greyKnown || k.to != "" && now.Sub(e.first) >= greyWait {
			delete(g.seen, k)
		}
	}
	if len(g.seen) >= greyMost {
		clear(g.seen)
	}
}
