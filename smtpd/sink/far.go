package sink

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// far is a connection over a long line: what is written arrives later, and in the meantime more can be written.
type far struct {
	net.Conn
	latency time.Duration
	lines   chan late
	close   sync.Once
}

type late struct {
	due time.Time
	b   []byte
}

func newFar(c net.Conn, latency time.Duration) *far {
	f := &far{Conn: c, latency: latency, lines: make(chan late, 1024)}
	go f.carry()
	return f
}

func (f *far) carry() {
	for l := range f.lines {
		time.Sleep(time.Until(l.due))
		f.Conn.Write(l.b)
	}
	f.Conn.Close()
}

func (f *far) Write(b []byte) (int, error) {
	f.lines <- late{time.Now().Add(f.latency), bytes.Clone(b)}
	return len(b), nil
}

// Close ends the connection when all has arrived.
func (f *far) Close() error {
	f.close.Do(func() { close(f.lines) })
	return nil
}
