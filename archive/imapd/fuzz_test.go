package imapd_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
)

// FuzzSession throws lines at a session that has a mailbox open. The server must not panic, and must end when the client is
// gone.
func FuzzSession(f *testing.F) {
	s := newSite(f)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleOwner)
	s.post(l, fmt.Sprintf(plain, "first", "a1"))
	s.post(l, "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n")
	for _, seed := range []string{
		"FETCH 1:* (BODYSTRUCTURE ENVELOPE BODY[1.MIME] BODY[]<0.9223372036854775807>)", `LIST "" "*%*%*"`, "UID SEARCH RETURN (SAVE) OR TEXT x NOT UID 1:*",
		"STORE 1:4294967295 FLAGS (a b)", "STATUS heplink (SIZE)", "IDLE\r\nDONE", "ENABLE IMAP4rev2\r\nb SELECT INBOX", "APPEND x {5}\r\nabcde", "MOVE 1 x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "a LOGIN asha@example.org secret\r\nb SELECT heplink\r\nc %s\r\nd LOGOUT\r\n", lines)
		c.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil {
			if n, ok := err.(net.Error); ok && n.Timeout() {
				t.Errorf("the session hangs after %q", lines)
			}
		}
	})
}
