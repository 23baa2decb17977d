// Package sink is an SMTP server for tests and benchmarks that takes everything, counts it, and fails where it is told
// to. It is lean, so that what is measured is the sender.
package sink

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of Start; the zero value takes everything and keeps nothing but counts.
type Options struct {
	// Answer decides about a recipient, at RCPT: "" takes it, else the reply line ("451 4.2.0 later").
	Answer func(to string) string
	// AnswerData decides at the end of a message: "" takes it, "-" closes the connection without an answer, else the
	// reply line.
	AnswerData func(to []string) string
	// Greeting instead of 220; "-" closes the connection at once.
	Greeting     func() string
	Keep         bool          // messages
	Latency      time.Duration // a round trip: answers are so late
	TLS          *tls.Config   // offers STARTTLS
	User         string        // offers AUTH PLAIN, and wants it
	Password     string
	NoPipelining bool
	Chunking     bool // offers CHUNKING, RFC 3030
	SevenBit     bool // offers no 8BITMIME
}

// Message is one copy that arrived.
type Message struct {
	From string
	To   []string
	Data []byte // dots unstuffed
}

// Sink listens on loopback.
type Sink struct {
	Options
	l net.Listener

	mu       sync.Mutex
	changed  chan struct{}
	counts   map[string]int
	total    int
	messages []Message
	conns    int
	open     map[net.Conn]struct{}
}

// Start listens on a free port of 127.0.0.1.
func Start(o Options) (*Sink, error) { return StartAt("127.0.0.1:0", o) }

// StartAt listens on an address.
func StartAt(address string, o Options) (*Sink, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Sink{Options: o, l: l, counts: map[string]int{}, changed: make(chan struct{}), open: map[net.Conn]struct{}{}}
	go s.serve()
	return s, nil
}

// Addr is host:port.
func (s *Sink) Addr() string { return s.l.Addr().String() }

// Close ends the listener and every connection.
func (s *Sink) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
	return err
}

// Total copies taken.
func (s *Sink) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Counts of copies by recipient.
func (s *Sink) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int, len(s.counts))
	for k, v := range s.counts {
		counts[k] = v
	}
	return counts
}

// Messages that were kept.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Connections so far.
func (s *Sink) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Wait returns when n copies were taken, or false after the given time.
func (s *Sink) Wait(n int, within time.Duration) bool {
	deadline := time.After(within)
	for {
		s.mu.Lock()
		done, changed := s.total >= n, s.changed
		s.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		}
	}
}

func (s *Sink) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns++
		s.open[c] = struct{}{}
		s.mu.Unlock()
		go func() {
			far := c
			if s.Latency > 0 {
				far = newFar(c, s.Latency)
			}
			(&client{sink: s, c: far}).run()
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
		}()
	}
}

func (s *Sink) take(from string, to []string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range to {
		s.counts[t]++
		s.total++
	}
	if s.Keep {
		s.messages = append(s.messages, Message{from, to, append([]byte(nil), data...)})
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

type client struct {
	sink   *Sink
	c      net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	from   string
	to     []string
	authed bool
}

func (c *client) reset(nc net.Conn) {
	c.c, c.r, c.w = nc, bufio.NewReaderSize(nc, 64<<10), bufio.NewWriter(nc)
}

// line flushes what was answered before it waits.
func (c *client) line() (string, error) {
	if c.r.Buffered() == 0 {
		if err := c.w.Flush(); err != nil {
			return "", err
		}
	}
	b, err := c.r.ReadSlice('\n')
	return strings.TrimRight(string(b), "\r\n"), err
}

func (c *client) say(line string) { c.w.WriteString(line + "\r\n") }

func (c *client) run() {
	defer func() { c.c.Close() }()
	c.reset(c.c)
	greeting := "220 sink ESMTP"
	if g := c.sink.Greeting; g != nil && g() != "" {
		greeting = g()
	}
	if greeting == "-" {
		return
	}
	c.say(greeting)
	for {
		line, err := c.line()
		if err != nil || !c.command(line) {
			c.w.Flush()
			return
		}
	}
}

// command returns false when the connection is to end.
func (c *client) command(line string) bool {
	verb, arg, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "LHLO":
		c.hello()
	case "HELO", "NOOP":
		c.say("250 ok")
	case "RSET":
		c.from, c.to = "", nil
		c.say("250 ok")
	case "STARTTLS":
		c.say("220 go ahead")
		c.w.Flush()
		c.reset(tls.Server(c.c, c.sink.TLS))
	case "AUTH":
		want := base64.StdEncoding.EncodeToString([]byte("\x00" + c.sink.User + "\x00" + c.sink.Password))
		if c.authed = arg == "PLAIN "+want; c.authed {
			c.say("235 2.7.0 welcome")
		} else {
			c.say("535 5.7.8 wrong password")
		}
	case "MAIL":
		if c.sink.User != "" && !c.authed {
			c.say("530 5.7.0 authenticate first")
			return true
		}
		c.from, c.to = address(arg), nil
		c.say("250 2.1.0 ok")
	case "RCPT":
		c.recipient(address(arg))
	case "DATA":
		return c.data()
	case "BDAT":
		return c.chunk(arg)
	case "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("500 5.5.2 what")
	}
	return true
}

func (c *client) hello() {
	lines := []string{"sink", "SMTPUTF8", "ENHANCEDSTATUSCODES"}
	if !c.sink.SevenBit {
		lines = append(lines, "8BITMIME")
	}
	if c.sink.Chunking {
		lines = append(lines, "CHUNKING")
	}
	if !c.sink.NoPipelining {
		lines = append(lines, "PIPELINING")
	}
	if _, secure := c.c.(*tls.Conn); c.sink.TLS != nil && !secure {
		lines = append(lines, "STARTTLS")
	}
	if c.sink.User != "" {
		lines = append(lines, "AUTH PLAIN")
	}
	for i, l := range lines {
		if i < len(lines)-1 {
			c.say("250-" + l)
		} else {
			c.say("250 " + l)
		}
	}
}

func (c *client) recipient(to string) {
	if c.sink.Answer != nil {
		if answer := c.sink.Answer(to); answer != "" {
			c.say(answer)
			return
		}
	}
	c.to = append(c.to, to)
	c.say("250 2.1.5 ok")
}

func (c *client) data() bool {
	if len(c.to) == 0 {
		c.say("554 5.5.1 no valid recipients")
		return true
	}
	c.say("354 go on")
	if c.r.Buffered() == 0 {
		c.w.Flush()
	}
	var data []byte
	for {
		b, err := c.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			if c.sink.Keep {
				data = append(data, b...)
			}
			continue
		}
		if err != nil {
			return false
		}
		if len(b) == 3 && b[0] == '.' && b[1] == '\r' {
			break
		}
		if c.sink.Keep {
			if b[0] == '.' {
				b = b[1:]
			}
			data = append(data, b...)
		}
	}
	return c.finish(data)
}

// chunk takes a whole message, the only chunk.
func (c *client) chunk(arg string) bool {
	size, last, _ := strings.Cut(arg, " ")
	n, err := strconv.Atoi(size)
	if err != nil || last != "LAST" {
		c.say("501 5.5.4 one chunk a message")
		return false
	}
	var data []byte
	if c.sink.Keep {
		data = make([]byte, n)
		_, err = io.ReadFull(c.r, data)
	} else {
		_, err = c.r.Discard(n)
	}
	if err != nil {
		return false
	}
	if len(c.to) == 0 {
		c.say("554 5.5.1 no valid recipients")
		return true
	}
	return c.finish(data)
}

// finish answers a message.
func (c *client) finish(data []byte) bool {
	if c.sink.AnswerData != nil {
		switch answer := c.sink.AnswerData(c.to); answer {
		case "":
		case "-":
			return false
		default:
			c.say(answer)
			c.from, c.to = "", nil
			return true
		}
	}
	c.sink.take(c.from, c.to, data)
	c.from, c.to = "", nil
	c.say("250 2.0.0 ok")
	return true
}

func address(arg string) string {
	_, rest, _ := strings.Cut(arg, "<")
	a, _, _ := strings.Cut(rest, ">")
	return a
}
