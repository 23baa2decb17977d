package web

import (
	"net/netip"
	"sync"
	"time"
)

// A client reads as fast as a person could, and a crawler as fast as is polite. Forms that cause mail to somebody are for persons.
const (
	requestsAMinute = 600
	formsAnHour     = 20
	maxClients      = 20_000
)

// clients counts the requests of each network in the present span of time. Loopback is not counted.
type clients struct {
	most    int
	seconds int64
	mu      sync.Mutex
	span    int64
	seen    map[netip.Prefix]int
}

func (c *clients) allow(a netip.Addr) bool {
	if a.IsLoopback() || !a.IsValid() {
		return true
	}
	bits := 32
	if a.Is6() {
		bits = 64
	}
	network, _ := a.Prefix(bits)
	c.mu.Lock()
	defer c.mu.Unlock()
	if span := time.Now().Unix() / c.seconds; span != c.span || len(c.seen) >= maxClients {
		c.span, c.seen = span, map[netip.Prefix]int{}
	}
	c.seen[network]++
	return c.seen[network] <= c.most
}
