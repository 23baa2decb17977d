package smtpd

import (
	"net/netip"
	"sync"
	"time"
)

// Limits of one client: an IPv4 address or an IPv6 /64. Zero means the default.
type Limits struct {
	Connections        int // at the same time; 20
	ConnectionsAMinute int // 60
	MessagesAMinute    int // 60
	RecipientsAMinute  int // 300
	UnknownRecipients  int // of one session, then 421; 10
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&l.Connections, 20)
	set(&l.ConnectionsAMinute, 60)
	set(&l.MessagesAMinute, 60)
	set(&l.RecipientsAMinute, 300)
	set(&l.UnknownRecipients, 10)
	return l
}

// maxClients bounds the memory of clients; the idle ones are forgotten first.
const maxClients = 10_000

// clients counts what each client did in the present minute.
type clients struct {
	Limits
	mu sync.Mutex
	by map[netip.Prefix]*client
}

type client struct {
	open                              int
	minute                            int64
	connections, messages, recipients int
}

func newClients(l Limits) *clients {
	return &clients{Limits: l.withDefaults(), by: map[netip.Prefix]*client{}}
}

func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// at finds the client in the minute of now. The lock is held.
func (cs *clients) at(a netip.Addr, now time.Time) *client {
	key, minute := network(a), now.Unix()/60
	c := cs.by[key]
	if c == nil {
		if len(cs.by) >= maxClients {
			for k, old := range cs.by {
				if old.open == 0 && old.minute < minute {
					delete(cs.by, k)
				}
			}
		}
		c = &client{}
		cs.by[key] = c
	}
	if c.minute != minute {
		*c = client{open: c.open, minute: minute}
	}
	return c
}

func (cs *clients) connect(a netip.Addr, now time.Time) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.at(a, now)
	if c.connections++; c.open >= cs.Connections || c.connections > cs.ConnectionsAMinute {
		return false
	}
	c.open++
	return true
}

func (cs *clients) disconnect(a netip.Addr) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.by[network(a)]; c != nil {
		c.open--
	}
}

func (cs *clients) message(a netip.Addr, now time.Time) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.at(a, now)
	c.messages++
	return c.messages <= cs.MessagesAMinute
}

func (cs *clients) recipient(a netip.Addr, now time.Time) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.at(a, now)
	c.recipients++
	return c.recipients <= cs.RecipientsAMinute
}
