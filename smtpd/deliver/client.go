package deliver

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Timeouts of one step, RFC 5321 section 4.5.3.2.
const (
	dialTimeout  = 30 * time.Second
	replyTimeout = 5 * time.Minute
	dataTimeout  = 10 * time.Minute
)

// maxAnswer bounds what is kept of a remote's words.
const maxAnswer = 500

// reply of a remote.
type reply struct {
	code int
	text string // code and all lines, on one line
}

func (r reply) class() int { return r.code / 100 }

// result reads a reply as the fate of a copy. A remote that wants a login says nothing about the recipient (RFC 4954
// section 6).
func (r reply) result() Result {
	if r.code == 530 || r.code == 534 || r.code == 535 || r.code == 538 {
		return Result{Kind: Down, Answer: r.text}
	}
	switch r.class() {
	case 2:
		return Result{Kind: Delivered, Answer: r.text}
	case 5:
		return Result{Kind: Failed, Answer: r.text}
	}
	return Result{Kind: Deferred, Answer: r.text, Slower: strings.HasPrefix(r.text[min(4, len(r.text)):], "4.7.")} // security and policy: less at a time
}

// errConfused: the remote's answer fits no command of ours, so that nothing later can be told apart.
var errConfused = errors.New("the remote answered out of order")

// errClosing: the remote said 421 and ends the session.
var errClosing = errors.New("remote closes the connection")

// client is one SMTP session (RFC 5321). With PIPELINING (RFC 2920) it sends MAIL, RCPT and DATA in one write, and those of
// the next message behind a message's final dot: one round trip a copy.
type client struct {
	conn       net.Conn
	r          *bufio.Reader
	w          *bufio.Writer
	extensions map[string]string // by keyword, upper case
	sent       int               // messages
	used       time.Time
}

// newClient takes over the connection, and closes it when it fails.
func newClient(conn net.Conn) (*client, error) {
	c := &client{used: time.Now()}
	c.reset(conn)
	r, err := c.read(replyTimeout)
	if err == nil && r.class() != 2 {
		err = fmt.Errorf("greeted with %s", r.text)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) reset(conn net.Conn) {
	c.conn, c.r, c.w = conn, bufio.NewReaderSize(conn, 8<<10), bufio.NewWriterSize(conn, 64<<10)
}

// read one reply, of any number of lines.
func (c *client) read(within time.Duration) (reply, error) {
	return c.readLines(within, func(string) {})
}

// readLines is read, and tells the text of each line.
func (c *client) readLines(within time.Duration, tell func(text string)) (reply, error) {
	c.conn.SetReadDeadline(time.Now().Add(within))
	var text strings.Builder
	for {
		b, err := c.r.ReadSlice('\n')
		if err != nil {
			return reply{}, fmt.Errorf("no answer: %w", err)
		}
		line := strings.TrimRight(string(b), "\r\n")
		code, err := strconv.Atoi(line[:min(3, len(line))])
		if err != nil || len(line) < 3 || code < 200 || code > 599 {
			return reply{}, fmt.Errorf("an answer that is none: %.60q", line)
		}
		if text.Len() == 0 {
			fmt.Fprintf(&text, "%d", code)
		}
		words := line[min(4, len(line)):]
		tell(words)
		if words != "" && text.Len() < maxAnswer {
			text.WriteString(" " + printable(words))
		}
		if len(line) == 3 || line[3] != '-' {
			r := reply{code, text.String()}
			r.text = strings.ToValidUTF8(r.text[:min(len(r.text), maxAnswer)], "")
			if code == 421 {
				return r, fmt.Errorf("%w: %s", errClosing, r.text)
			}
			return r, nil
		}
	}
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}

func (c *client) flush() error {
	c.conn.SetWriteDeadline(time.Now().Add(dataTimeout))
	return c.w.Flush()
}

// ask sends one command and waits.
func (c *client) ask(format string, args ...any) (reply, error) {
	fmt.Fprintf(c.w, format+"\r\n", args...)
	if err := c.flush(); err != nil {
		return reply{}, err
	}
	return c.read(replyTimeout)
}

// maxExtensions of a remote that are remembered.
const maxExtensions = 100

func (c *client) hello(name string) error {
	c.extensions = map[string]string{}
	fmt.Fprintf(c.w, "EHLO %s\r\n", name)
	if err := c.flush(); err != nil {
		return err
	}
	first := true // which is a greeting
	r, err := c.readLines(replyTimeout, func(text string) {
		keyword, params, _ := strings.Cut(strings.TrimSpace(text), " ")
		if !first && len(c.extensions) < maxExtensions {
			c.extensions[strings.ToUpper(keyword)] = params
		}
		first = false
	})
	if err == nil && r.class() == 5 {
		clear(c.extensions)
		r, err = c.ask("HELO %s", name)
	}
	if err == nil && r.class() != 2 {
		err = fmt.Errorf("EHLO answered %s", r.text)
	}
	return err
}

func (c *client) has(extension string) bool {
	_, ok := c.extensions[extension]
	return ok
}

func (c *client) startTLS(cfg *tls.Config, name string) error {
	r, err := c.ask("STARTTLS")
	if err != nil {
		return err
	}
	if r.class() != 2 {
		return fmt.Errorf("STARTTLS answered %s", r.text)
	}
	if c.r.Buffered() > 0 { // said in the clear, and not to be taken for what is said behind TLS
		return errors.New("STARTTLS: the remote spoke before TLS began")
	}
	t := tls.Client(c.conn, cfg)
	t.SetDeadline(time.Now().Add(dialTimeout))
	if err := t.Handshake(); err != nil {
		return fmt.Errorf("STARTTLS: %w", err)
	}
	t.SetDeadline(time.Time{})
	c.reset(t)
	return c.hello(name)
}

// auth by PLAIN (RFC 4616) or LOGIN.
func (c *client) auth(user, password string) error {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	mechanisms := strings.Fields(strings.ToUpper(c.extensions["AUTH"]))
	var r reply
	var err error
	switch {
	case len(mechanisms) == 0:
		return errors.New("the relay offers no login: remove user and password from delivery.relay, or use its TLS port")
	case slices.Contains(mechanisms, "PLAIN"):
		r, err = c.ask("AUTH PLAIN %s", b64("\x00"+user+"\x00"+password))
	case slices.Contains(mechanisms, "LOGIN"):
		if r, err = c.ask("AUTH LOGIN"); err == nil && r.code == 334 {
			if r, err = c.ask("%s", b64(user)); err == nil && r.code == 334 {
				r, err = c.ask("%s", b64(password))
			}
		}
	default:
		return fmt.Errorf("the relay offers no login but %s: PLAIN or LOGIN is needed", strings.Join(mechanisms, ", "))
	}
	if err != nil {
		return err
	}
	if r.class() != 2 {
		return fmt.Errorf("login refused: %s", r.text)
	}
	return nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// turnTime is how long one call of deliver goes on to begin copies: then the connection is for others in turn.
const turnTime = 3 * time.Second

// deliver sends copies in their order and reports each whose fate the remote told. It returns how many were reported, and
// the error that ended the session, if one did: no word was said about the others. It ends early when its time is up.
func (c *client) deliver(copies []Copy, report func(i int, r Result)) (reported int, err error) {
	defer func() { c.used = time.Now() }()
	if copies, err = c.fitting(copies); err != nil {
		return 0, err
	}
	until := time.Now().Add(turnTime)
	if c.has("CHUNKING") && c.has("PIPELINING") {
		return c.deliverChunked(copies, until, report)
	}
	ahead := false // the envelope of copies[i] has been written already
	for i, cp := range copies {
		if i > 0 && !ahead && time.Now().After(until) {
			return reported, nil
		}
		if res := c.unfit(cp); res.Kind != 0 {
			report(i, res)
			reported++
			continue
		}
		c.conn.SetWriteDeadline(time.Now().Add(dataTimeout))
		ready, r, err := c.envelope(cp, ahead)
		ahead = false
		if err == nil && ready {
			head, _ := cp.Head()
			c.w.Write(head)
			c.w.Write(cp.Content.Wire())
			if ahead = i+1 < len(copies) && c.has("PIPELINING") && time.Now().Before(until) && c.unfit(copies[i+1]).Kind == 0; ahead {
				c.writeEnvelope(copies[i+1])
			}
			if err = c.flush(); err == nil {
				r, err = c.read(dataTimeout)
				c.sent++
			}
		}
		if err != nil {
			return reported, err
		}
		if r.class() == 3 || !ready && r.class() == 2 {
			return reported, fmt.Errorf("%w: %s", errConfused, r.text)
		}
		report(i, r.result())
		reported++
		if !ready {
			if r, err := c.ask("RSET"); err != nil || r.class() != 2 {
				return reported, errors.Join(err, errClosing)
			}
		}
	}
	return reported, nil
}

// fitting are the copies in a form that the remote can take: without bytes over 127 where it has no 8BITMIME (RFC 6152).
func (c *client) fitting(copies []Copy) ([]Copy, error) {
	if c.has("8BITMIME") || !slices.ContainsFunc(copies, func(cp Copy) bool { return cp.Content.EightBit && cp.SevenBit != nil }) {
		return copies, nil
	}
	copies = slices.Clone(copies)
	for i, cp := range copies {
		if cp.Content.EightBit && cp.SevenBit != nil {
			var err error
			if copies[i], err = cp.SevenBit(); err != nil {
				return nil, err
			}
		}
	}
	return copies, nil
}

// notASCII is the fate of a copy that the remote cannot take, RFC 6531 section 3.2.
var notASCII = Result{Kind: Failed, Answer: "5.6.7 the remote cannot take addresses with other than ASCII letters"}

// unfit is the fate of a copy that cannot be sent; the zero Result when it can.
func (c *client) unfit(cp Copy) Result {
	if !isASCII(cp.To) && !c.has("SMTPUTF8") {
		return notASCII
	}
	if _, err := cp.Head(); err != nil {
		return Result{Kind: Deferred, Answer: "the copy cannot be made: " + err.Error()}
	}
	return Result{}
}

func (c *client) commands(cp Copy) [3]string {
	mail := "MAIL FROM:<" + cp.From + ">"
	if c.has("SIZE") { // RFC 1870
		head, _ := cp.Head()
		mail += " SIZE=" + strconv.Itoa(len(head)+len(cp.Content.Raw))
	}
	if cp.Content.EightBit && c.has("8BITMIME") {
		mail += " BODY=8BITMIME"
	}
	if (!isASCII(cp.To) || !isASCII(cp.From)) && c.has("SMTPUTF8") {
		mail += " SMTPUTF8"
	}
	return [3]string{mail, "RCPT TO:<" + cp.To + ">", "DATA"}
}

func (c *client) writeEnvelope(cp Copy) {
	for _, command := range c.commands(cp) {
		c.w.WriteString(command + "\r\n")
	}
}

// expected classes of the answers to MAIL, RCPT and DATA.
var expected = [3]int{2, 2, 3}

// envelope sends MAIL, RCPT and DATA and reads their answers. ready: the message may follow. Otherwise r is the answer that
// decides about the copy.
func (c *client) envelope(cp Copy, written bool) (ready bool, r reply, err error) {
	if !c.has("PIPELINING") {
		for i, command := range c.commands(cp) {
			if r, err = c.ask("%s", command); err != nil || r.class() != expected[i] {
				return false, r, err
			}
		}
		return true, r, nil
	}
	if !written {
		c.writeEnvelope(cp)
		if err := c.flush(); err != nil {
			return false, r, err
		}
	}
	var rs [3]reply
	for i := range rs {
		if rs[i], err = c.read(replyTimeout); err != nil {
			return false, r, err
		}
	}
	for i, r := range rs {
		switch {
		case r.class() == expected[i]:
			continue
		case i < 2 && rs[2].class() == 3:
			_, err = c.ask(".") // it waits for a message to nobody, RFC 2920 section 3.1
		}
		return false, r, err
	}
	return true, r, nil
}

// quit ends the session, politely when the remote may listen.
func (c *client) quit(polite bool) {
	if polite {
		c.conn.SetDeadline(time.Now().Add(time.Second))
		c.w.WriteString("QUIT\r\n")
		c.w.Flush()
	}
	c.conn.Close()
}
