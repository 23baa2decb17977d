package smtpd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/smtpd"
	"wesouthasians.org/sangam/store"
)

// inbox is a Handler that keeps what it takes. It knows no address that begins with "no", cannot store for "busy", and
// refuses posts to "strict".
type inbox struct {
	mu    sync.Mutex
	mails []mail
	began chan struct{} // when not nil: Deliver says that it began, and waits
	wait  chan struct{}
}

type mail struct {
	e   intake.Envelope
	to  []string
	raw string
}

func (b *inbox) Recipient(_ context.Context, _ intake.Envelope, to string) error {
	switch {
	case strings.HasPrefix(to, "no"):
		return &store.Refusal{Code: 550, Enhanced: [3]int{5, 1, 1}, Public: "no such address"}
	case strings.HasPrefix(to, "busy"):
		return errors.New("secret trouble with the disk")
	}
	return nil
}

func (b *inbox) Deliver(_ context.Context, e intake.Envelope, to []string, raw []byte) []error {
	if b.began != nil {
		b.began <- struct{}{}
		<-b.wait
	}
	results := make([]error, len(to))
	for i, t := range to {
		if strings.HasPrefix(t, "strict") {
			results[i] = &store.Refusal{Code: 550, Enhanced: [3]int{5, 7, 1}, Public: "only members post"}
		}
		if strings.HasPrefix(t, "panic") {
			panic("in a handler")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, mail{e, to, string(raw)})
	return results
}

func (b *inbox) got() []mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]mail(nil), b.mails...)
}

type rig struct {
	testing.TB
	*inbox
	server *smtpd.Server
	addr   string
	errors *bytes.Buffer
}

func newRig(t testing.TB, change func(*smtpd.Options)) *rig {
	t.Helper()
	r := &rig{TB: t, inbox: &inbox{}, errors: &bytes.Buffer{}}
	o := smtpd.Options{Hostname: "lists.example.org", Handler: r.inbox, MaxMessageSize: 1 << 20, MaxConnections: 10,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	r.server = smtpd.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

type client struct {
	testing.TB
	net.Conn
	r *bufio.Reader
}

func (r *rig) dial() *client {
	r.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	x := &client{r.TB, c, bufio.NewReader(c)}
	return x
}

// reply reads one reply and checks how it begins.
func (c *client) reply(want string) string {
	c.Helper()
	var all string
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.Fatalf("waiting for %s after %q: %v", want, all, err)
		}
		all += line
		if len(line) < 4 || line[3] != '-' {
			break
		}
	}
	if !strings.HasPrefix(all, want) {
		c.Errorf("answer is %q, want %s", all, want)
	}
	return all
}

func (c *client) say(line, want string) string {
	c.Helper()
	fmt.Fprint(c, line+"\r\n")
	return c.reply(want)
}

func (r *rig) hello() *client {
	r.Helper()
	c := r.dial()
	c.reply("220")
	c.say("EHLO client.example.net", "250")
	return c
}

// envelope brings a session to the point where the message may follow.
func (r *rig) envelope(to ...string) *client {
	r.Helper()
	c := r.hello()
	c.say("MAIL FROM:<asha@example.org>", "250")
	for _, t := range to {
		c.say("RCPT TO:<"+t+">", "250")
	}
	c.say("DATA", "354")
	return c
}

func TestSession(t *testing.T) {
	r := newRig(t, nil)
	c := r.dial()
	c.reply("220 ")
	hello := c.say("EHLO client.example.net", "250-lists.example.org greets client.example.net")
	for _, extension := range []string{"SIZE 1048576", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"} {
		if !strings.Contains(hello, extension) {
			t.Errorf("EHLO lacks %s: %s", extension, hello)
		}
	}
	for _, extension := range []string{"STARTTLS", "AUTH"} {
		if strings.Contains(hello, extension) {
			t.Errorf("EHLO has %s", extension)
		}
	}
	c.say("VRFY asha", "252")
	c.say("NONSENSE", "50")
	c.say("MAIL FROM:<asha@example.org> SIZE=2000000", "552 5.3.4")
	c.say("MAIL FROM:<asha@example.org> SIZE=20 BODY=8BITMIME", "250")
	c.say("RCPT TO:<nobody@lists.example.org>", "550 5.1.1")
	if text := c.say("RCPT TO:<busy@lists.example.org>", "451 4.3.0"); strings.Contains(text, "secret") {
		t.Errorf("the private cause is told: %s", text)
	}
	c.say("RCPT TO:<heplink@lists.example.org>", "250")
	c.say("DATA", "354")
	id := c.say("Subject: x\r\n\r\n..dot\r\n.", "250 2.0.0 accepted as ")
	m := r.got()[0]
	if !strings.HasPrefix(m.raw, "Received: from client.example.net ([127.0.0.1])\r\n\tby lists.example.org with ESMTP id ") ||
		!strings.Contains(m.raw, "for <heplink@lists.example.org>;") || !strings.HasSuffix(m.raw, "Subject: x\r\n\r\n.dot\r\n") {
		t.Errorf("message is %q", m.raw)
	}
	if !strings.Contains(id, m.e.ID) || !m.e.Trusted || m.e.Sender != "asha@example.org" {
		t.Errorf("envelope is %+v, answer %s", m.e, id)
	}
	c.say("QUIT", "221")
}

func TestPipelining(t *testing.T) {
	r := newRig(t, nil)
	c := r.hello()
	fmt.Fprint(c, "MAIL FROM:<a@x.org>\r\nRCPT TO:<heplink@l.org>\r\nDATA\r\n")
	for _, want := range []string{"250", "250", "354"} {
		c.reply(want)
	}
	fmt.Fprint(c, "one\r\n.\r\nMAIL FROM:<b@x.org>\r\nRCPT TO:<heplink@l.org>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n")
	for _, want := range []string{"250", "250", "250", "354", "250", "221"} {
		c.reply(want)
	}
	if ms := r.got(); len(ms) != 2 || ms[1].e.Sender != "b@x.org" {
		t.Errorf("%d messages", len(ms))
	}
}

// What follows a look-alike of the end of a message must never become a message of its own.
func TestSmuggling(t *testing.T) {
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n\x00.\r\n", "\n.\r", "\r\n.\x00\r\n", "\r\r\n.\r\r\n"} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			r := newRig(t, nil)
			c := r.envelope("heplink@l.org")
			fmt.Fprint(c, "Subject: one\r\n\r\nfirst"+end+"MAIL FROM:<evil@x.org>\r\nRCPT TO:<heplink@l.org>\r\nDATA\r\nSubject: two\r\n\r\nevil\r\n.\r\nQUIT\r\n")
			c.Conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			for _, m := range r.got() {
				if m.e.Sender == "evil@x.org" {
					t.Errorf("smuggled: %q", m.raw)
				}
				if strings.ContainsAny(strings.ReplaceAll(m.raw, "\r\n", ""), "\r\n\x00") {
					t.Errorf("taken with bare line ends: %q", m.raw)
				}
			}
		})
	}
}

// A CR too many in front of the end hides it from a reader that looks at pairs only, and the client would wait in vain.
func TestBareReturnAtTheEndIsRefused(t *testing.T) {
	r := newRig(t, nil)
	c := r.hello()
	for _, end := range []string{"x\r\r\n.\r\n", "x\r\n.\r\r\n.\r\n", "x\r\n.\rx\r\n.\r\n", "\r\r\n.\r\n", "\r\rx\r\n.\r\n"} {
		for at := range len(end) {
			c.say("MAIL FROM:<asha@example.org>", "250")
			c.say("RCPT TO:<heplink@l.org>", "250")
			c.say("DATA", "354")
			fmt.Fprint(c, "Subject: x\r\n\r\n"+end[:at])
			fmt.Fprint(c, end[at:])
			c.reply("554 5.6.0")
		}
	}
	if got := r.got(); len(got) > 0 {
		t.Errorf("taken: %q", got[0].raw)
	}
}

func TestBareLineFeedIsContent(t *testing.T) {
	r := newRig(t, nil)
	r.envelope("heplink@l.org").say("Subject: x\n\na line\nanother\r\n.", "250")
	if m := r.got()[0]; !strings.HasSuffix(m.raw, "Subject: x\r\n\r\na line\r\nanother\r\n") {
		t.Errorf("message is %q", m.raw)
	}
}

func TestLongLinesAndLargeMessages(t *testing.T) {
	r := newRig(t, nil)
	line := strings.Repeat("x", 500_000)
	r.envelope("heplink@l.org").say(line+"\r\n.", "250")
	if m := r.got()[0]; !strings.Contains(m.raw, line) {
		t.Error("the line is broken")
	}
	c := r.envelope("heplink@l.org")
	c.say(strings.Repeat(line+"\r\n", 3)+".", "552 5.3.4")
	c.say("NOOP", "250")
	if len(r.got()) != 1 {
		t.Error("too large a message was taken")
	}
	c.Write(bytes.Repeat([]byte("x"), 200_000))
	if rest, _ := io.ReadAll(c); len(rest) > 300 {
		t.Errorf("an endless command is answered %q", rest)
	}
}

func TestOneAnswerForAllAndOneForEach(t *testing.T) {
	r := newRig(t, nil)
	r.envelope("strict@l.org").say("x\r\n.", "550 5.7.1 only members post")
	r.envelope("heplink@l.org", "strict@l.org").say("x\r\n.", "250")
	lmtp := newRig(t, func(o *smtpd.Options) { o.LMTP = true })
	c := lmtp.dial()
	c.reply("220")
	c.say("LHLO mta", "250")
	c.say("MAIL FROM:<>", "250")
	c.say("RCPT TO:<strict@l.org>", "250")
	c.say("RCPT TO:<heplink@l.org>", "250")
	c.say("DATA", "354")
	c.say("x\r\n.", "550 5.7.1")
	c.reply("250")
	if m := lmtp.got()[0]; !m.e.LMTP || !strings.Contains(m.raw, "with LMTP id") || strings.Contains(m.raw, "for <") {
		t.Errorf("message is %+v", m)
	}
}

func TestTraceCannotBeForged(t *testing.T) {
	r := newRig(t, nil)
	c := r.dial()
	c.reply("220")
	c.say("EHLO (x)\tby;evil\x01", "")
	c.say("EHLO <evil>", "")
	c.say("MAIL FROM:<a@x.org>", "250")
	c.say("RCPT TO:<heplink@l.org>", "250")
	c.say("DATA", "354")
	c.say("Subject: x\r\n.", "250")
	head, _, _ := strings.Cut(r.got()[0].raw, "Subject:")
	if strings.Count(head, "\r\n") != 4 || strings.ContainsAny(head, "\x01") {
		t.Errorf("trace is %q", head)
	}
}

func TestPanicIsAnsweredAndTheServerLives(t *testing.T) {
	r := newRig(t, nil)
	c := r.envelope("panic@l.org")
	c.say("x\r\n.", "421")
	r.envelope("heplink@l.org").say("x\r\n.", "250")
}

func TestLimitsOfAStranger(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) {
		o.Trusted = nil
		o.Limits = smtpd.Limits{Connections: 2, ConnectionsAMinute: 100, MessagesAMinute: 2, RecipientsAMinute: 5, UnknownRecipients: 3}
	})
	one, two := r.hello(), r.hello()
	r.dial().reply("421 4.7.0")
	one.say("MAIL FROM:<a@x.org>", "250")
	one.say("RCPT TO:<no1@l.org>", "550")
	one.say("RCPT TO:<no2@l.org>", "550")
	one.say("RCPT TO:<no3@l.org>", "550")
	one.reply("421 4.7.0 too many unknown")
	two.say("MAIL FROM:<a@x.org>", "250")
	two.say("RCPT TO:<a@l.org>", "250")
	two.say("RCPT TO:<b@l.org>", "250")
	two.say("RCPT TO:<c@l.org>", "452 4.5.3")
	two.say("RSET", "250")
	two.say("MAIL FROM:<a@x.org>", "450 4.7.1")
}

func TestLMTPHasNoLimitsOfAStranger(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) {
		o.LMTP, o.Trusted = true, nil
		o.Limits = smtpd.Limits{Connections: 1, MessagesAMinute: 1, RecipientsAMinute: 1, UnknownRecipients: 1}
	})
	for range 3 {
		c := r.dial()
		c.reply("220")
		c.say("LHLO mx.example.org", "250")
		for range 2 {
			c.say("MAIL FROM:<a@x.org>", "250")
			c.say("RCPT TO:<nobody@l.org>", "550")
			c.say("RCPT TO:<heplink@l.org>", "250")
			c.say("RSET", "250")
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) { o.MaxConnections = 1 })
	r.hello()
	r.dial().reply("421 4.3.2")
}

func TestShutdownLetsTransactionsFinish(t *testing.T) {
	r := newRig(t, nil)
	r.inbox.began, r.inbox.wait = make(chan struct{}), make(chan struct{})
	idle := r.hello()
	busy := r.envelope("heplink@l.org")
	fmt.Fprint(busy, "x\r\n.\r\n")
	<-r.inbox.began
	done := make(chan error, 1)
	go func() { done <- r.server.Shutdown(context.Background()) }()
	idle.reply("421 4.3.2")
	close(r.inbox.wait)
	busy.reply("250")
	busy.reply("421 4.3.2")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsOffWhatDoesNotFinish(t *testing.T) {
	r := newRig(t, nil)
	busy := r.envelope("heplink@l.org")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown of a session in a transaction: %v", err)
	}
	if _, err := busy.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the session goes on: %v", err)
	}
}

func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"lists.example.org"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestStartTLS(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) { o.TLSConfig = certificate(t) })
	c := r.dial()
	c.reply("220")
	if hello := c.say("EHLO x", "250"); !strings.Contains(hello, "STARTTLS") {
		t.Fatal(hello)
	}
	// Commands said in the clear behind STARTTLS must not be run inside TLS.
	fmt.Fprint(c, "STARTTLS\r\nMAIL FROM:<evil@x.org>\r\n")
	c.reply("220")
	secure := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	if secure.Handshake() != nil {
		return // the injected line broke the handshake: refused
	}
	s := &client{t, secure, bufio.NewReader(secure)}
	s.say("EHLO x", "250")
	s.say("RCPT TO:<heplink@l.org>", "50")
	s.say("MAIL FROM:<a@x.org>", "250")
	s.say("RCPT TO:<heplink@l.org>", "250")
	s.say("DATA", "354")
	s.say("x\r\n.", "250")
	if m := r.got()[0]; !m.e.TLS || m.e.Sender != "a@x.org" || !strings.Contains(m.raw, "with ESMTPS id") {
		t.Errorf("message is %+v", m)
	}
}

// A message may be nothing but its end; the command before it may end in a bare LF.
var emptyMessage = regexp.MustCompile(`(?i)data[^\n]*\n\.\r\n`)

// FuzzSession: whatever a client sends, no message is taken that did not end with CRLF . CRLF, or came by BDAT.
func FuzzSession(f *testing.F) {
	r := newRig(f, nil)
	const start = "EHLO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<heplink@l.org>\r\n"
	for _, seed := range []string{start + "DATA\r\nx\r\n.\r\n", start + "DATA\r\nx\n.\nMAIL FROM:<b@x>\r\n", start + "BDAT 3 LAST\r\nabc", "STARTTLS\r\n\x00", start + "DATA\r\n.\r\r\n", "EHLO x\nMAIL FROM:<>\nRCPT TO:<a@b>\nDATA\n.\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		before := len(r.got())
		c.Write(input)
		c.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil {
			if n := net.Error(nil); errors.As(err, &n) && n.Timeout() {
				t.Errorf("the session hangs after %q", input)
			}
		}
		ends := bytes.Count(input, []byte("\r\n.\r\n")) + len(emptyMessage.FindAll(input, -1)) + bytes.Count(bytes.ToUpper(input), []byte("LAST"))
		if taken := len(r.got()) - before; taken > ends {
			t.Errorf("%d messages out of %d ends in %q", taken, ends, input)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	r := newRig(b, nil)
	c := r.hello()
	body := strings.Repeat("some words of a post, and some more\r\n", 200)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(c, "MAIL FROM:<a@x.org>\r\nRCPT TO:<heplink@l.org>\r\nDATA\r\n")
		for range 3 {
			c.reply("")
		}
		c.say(body+".", "250")
		r.inbox.mails = nil
	}
}
