package deliver

import (
	"sync"
	"time"
)

// A kept connection ends after so many messages or so long without one.
const (
	maxMessages = 1000
	maxIdle     = 20 * time.Second
)

// pool keeps connections that may be used again, by what they lead to. It is safe for concurrent use.
type pool struct {
	most int // kept

	mu     sync.Mutex
	idle   []kept // the oldest first
	busy   int    // connections in use
	freed  chan struct{}
	reaper *time.Timer
	closed bool
}

type kept struct {
	key string
	c   *client
}

func newPool(most int) *pool { return &pool{most: most, freed: make(chan struct{})} }

// changed is closed when a connection in use is kept or ends.
func (p *pool) changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.freed
}

// take returns the connection that was used last, nil when none is kept.
func (p *pool) take(key string) *client {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reap(time.Now())
	for n := len(p.idle) - 1; n >= 0; n-- {
		if k := p.idle[n]; k.key == key {
			p.idle = append(p.idle[:n], p.idle[n+1:]...)
			p.busy++
			return k.c
		}
	}
	return nil
}

// add counts a new connection in use.
func (p *pool) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
}

// alone tells whether no connection is in use or kept.
func (p *pool) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy == 0 && len(p.idle) == 0
}

// free gives back a connection: to be kept, or to be closed.
func (p *pool) free(key string, c *client, keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	close(p.freed)
	p.freed = make(chan struct{})
	if !keep || p.closed || c.sent >= maxMessages || p.most < 1 {
		c.quit(keep)
		return
	}
	if len(p.idle) >= p.most {
		p.idle[0].c.quit(true)
		p.idle = p.idle[1:]
	}
	p.idle = append(p.idle, kept{key, c})
	if p.reaper == nil {
		p.reaper = time.AfterFunc(maxIdle, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reap(time.Now())
		})
	}
}

// reap closes what was idle for too long.
func (p *pool) reap(now time.Time) {
	for len(p.idle) > 0 && now.Sub(p.idle[0].c.used) >= maxIdle {
		p.idle[0].c.quit(true)
		p.idle = p.idle[1:]
	}
	if p.reaper != nil && len(p.idle) > 0 {
		p.reaper.Reset(maxIdle - now.Sub(p.idle[0].c.used))
	} else if p.reaper != nil {
		p.reaper.Stop()
		p.reaper = nil
	}
}

// close ends what is kept, and what is given back from now on.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, k := range p.idle {
		k.c.quit(true)
	}
	p.idle = nil
	p.reap(time.Now())
}
