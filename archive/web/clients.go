package web

import (
	"net/netip"
	"sync"
	"time"
)

// A client reads as fast as a person could, and a crawler as fast as is polite.
const (
	requestsAMinute = 600
	maxClients      = 20_000
)

// clients counts the requests of each network in the present minute. Loopback is not counted.
type clients struct {
	mu     sync.Mutex
	minute int64
	seen   map[netip.Prefix]int
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
	if minute := time.Now().Unix() / 60; minute != c.minute || len(c.seen) >= maxClients {
		c.minute, c.seen = minute, map[netip.Prefix]int{}
	}
	c.seen[network]++
	return c.seen[network] <= requestsAMinute
}
