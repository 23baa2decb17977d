package imapd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive/imapd"
	"wesouthasians.org/sangam/store"
)

func TestLongLineEndsTheConnection(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(plain, "first", "a1"))
	c := s.login("asha@example.org")
	c.do("SELECT heplink").ok()
	c.do("FETCH %s UID", strings.Repeat("1,", 32000)+"1").ok().has("UID 1")
	c.do("NOOP %s", strings.Repeat("x", 60000)).status("BAD")
	fmt.Fprintf(c.c, "a NOOP %s\r\n", strings.Repeat("x", 70000))
	if rest, err := io.ReadAll(c.r); err != nil || !strings.HasPrefix(string(rest), "* BYE") {
		t.Errorf("heard %q, %v", rest, err)
	}
}

func TestManyBadCommandsEndTheConnection(t *testing.T) {
	c := newSite(t).dial()
	for i := range 99 {
		if a := c.do("NONSENSE"); i%10 == 0 {
			a.status("BAD")
		}
	}
	c.do("NOOP").ok()
	c.do("NONSENSE").status("BAD")
	if rest, err := io.ReadAll(c.r); err != nil || !strings.HasPrefix(string(rest), "* BYE") {
		t.Errorf("after 100: %q, %v", rest, err)
	}
}

// far makes connections look as if they came from another machine.
type far struct{ net.Listener }

type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

func (f far) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	return farConn{c}, err
}

// certificate for tests.
func certificate(t *testing.T) *tls.Config {
	h := httptest.NewTLSServer(nil)
	defer h.Close()
	return &tls.Config{Certificates: h.TLS.Certificates}
}

func TestPasswordsOfOtherMachinesNeedTLS(t *testing.T) {
	s := newSite(t, func(o *imapd.Options) { o.TLSConfig = certificate(t) }, func(l net.Listener) net.Listener { return far{l} })
	c := s.connect()
	if greeting := c.line(); !strings.Contains(greeting, "STARTTLS LOGINDISABLED") || strings.Contains(greeting, "AUTH=") {
		t.Errorf("greeting %q", greeting)
	}
	c.do("LOGIN asha@example.org secret").no().has("[PRIVACYREQUIRED]")
	c.do("AUTHENTICATE PLAIN AGFzaGFAZXhhbXBsZS5vcmcAc2VjcmV0").no().has("[PRIVACYREQUIRED]")
	// What is sent in clear behind STARTTLS must not be run afterwards.
	fmt.Fprintf(c.c, "s STARTTLS\r\ni LOGIN evil@example.org secret\r\n")
	if line := c.line(); !strings.HasPrefix(line, "s OK") {
		t.Fatalf("STARTTLS: %q", line)
	}
	c.c = tls.Client(c.c, &tls.Config{InsecureSkipVerify: true})
	c.r = bufio.NewReader(c.c)
	c.do("CAPABILITY").ok().has("AUTH=PLAIN").lacks("STARTTLS", "LOGINDISABLED")
	c.do("LOGIN asha@example.org secret").ok()
	c.do("STARTTLS").status("BAD")
}

func TestTLSFromTheFirstByte(t *testing.T) {
	cert := certificate(t)
	s := newSite(t, func(o *imapd.Options) { o.TLSConfig = cert }, func(l net.Listener) net.Listener { return tls.NewListener(far{l}, cert) })
	c := s.connect()
	c.c = tls.Client(c.c, &tls.Config{InsecureSkipVerify: true})
	c.r = bufio.NewReader(c.c)
	c.line()
	c.do("LOGIN asha@example.org secret").ok()
}

func TestConnectionsOfOneAddress(t *testing.T) {
	s := newSite(t, func(o *imapd.Options) { o.MaxPerAddress = 2 })
	one, _ := s.dial(), s.dial()
	if line := s.connect().line(); !strings.HasPrefix(line, "* BYE") {
		t.Errorf("the third hears %q", line)
	}
	one.do("LOGOUT").ok()
	io.Copy(io.Discard, one.r)
	for { // the server counts a little later
		c := s.connect()
		if line := c.line(); strings.HasPrefix(line, "* OK") {
			break
		}
		c.c.Close()
	}
}

func TestShutdownSaysBye(t *testing.T) {
	s := newSite(t)
	idle, quiet := s.login("asha@example.org"), s.dial()
	fmt.Fprintf(idle.c, "i IDLE\r\n")
	idle.line()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil || ctx.Err() != nil {
		t.Error(err, ctx.Err())
	}
	for name, c := range map[string]*client{"idle": idle, "stranger": quiet} {
		if rest, err := io.ReadAll(c.r); err != nil || !strings.HasPrefix(string(rest), "* BYE") {
			t.Errorf("%s hears %q, %v", name, rest, err)
		}
	}
}

func TestSlowReaderHoldsNothing(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	for i := range 20 {
		s.post(l, fmt.Sprintf(plain, "large", fmt.Sprint("m", i))+strings.Repeat(strings.Repeat("x", 76)+"\r\n", 20000))
	}
	c := s.login("asha@example.org")
	c.do("SELECT heplink").ok()
	fmt.Fprintf(c.c, "f UID FETCH 1:* BODY.PEEK[]\r\n") // 30 MB, of which nothing is read
	c.line()
	for end := time.Now().Add(5 * time.Second); s.engine.readers.Load() != 0; runtime.Gosched() { // it reads one more message before it waits
		if time.Now().After(end) {
			t.Fatal("a transaction is open while the client does not read")
		}
	}
	s.post(l, fmt.Sprintf(plain, "meanwhile", "b1"))
	s.login("asha@example.org").do("STATUS heplink (MESSAGES)").ok().has("MESSAGES 21")
}

func TestLargeMessagesAreWhole(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	raw := fmt.Sprintf(plain, "large", "m1") + strings.Repeat("a line with a NUL \x00 in it\r\n", 100000)
	s.post(l, raw)
	c := s.login("asha@example.org")
	c.do("SELECT heplink").ok()
	for _, item := range []string{"BODY.PEEK[]", "RFC822.PEEK", "BODY.PEEK[]<0.9000000>"} {
		fmt.Fprintf(c.c, "f FETCH 1 %s\r\n", item)
		c.line()
		got := make([]byte, len(raw))
		if _, err := io.ReadFull(c.r, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, bytes.ReplaceAll([]byte(raw), []byte{0}, []byte{0x80})) {
			t.Errorf("%s differs", item)
		}
		c.line()
		c.line()
	}
	fmt.Fprintf(c.c, "f FETCH 1 BINARY.PEEK[]\r\n")
	if line := c.line(); !strings.HasSuffix(line, fmt.Sprintf("BINARY[] ~{%d}\r\n", len(raw))) {
		t.Errorf("BINARY is %q", line)
	}
}
