package imapd_test

import (
	"fmt"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
)

func TestInboxMirrorsTheLists(t *testing.T) {
	s := newSite(t)
	a, b := s.list("alpha", nil), s.list("beta", nil)
	s.join(a, "asha@example.org", store.RoleMember)
	s.join(b, "asha@example.org", store.RoleMember)
	s.post(a, fmt.Sprintf(plain, "one", "a1"))
	s.post(b, fmt.Sprintf(plain, "two", "b1"))
	s.post(a, fmt.Sprintf(plain, "three", "a2"))
	inbox, list := s.login("asha@example.org"), s.login("asha@example.org")
	inbox.do("SELECT INBOX").ok().has("* 3 EXISTS", "[UIDNEXT 4]")
	inbox.do("FETCH 1:* (UID ENVELOPE)").ok().has(`* 1 FETCH (UID 1 ENVELOPE ("Mon, 23 Nov 2026 10:00:00 +0530" "one"`, `* 3 FETCH (UID 3 ENVELOPE ("Mon, 23 Nov 2026 10:00:00 +0530" "three"`)
	list.do("SELECT alpha").ok()
	list.do(`STORE 2 +FLAGS (\Flagged)`).ok()
	inbox.do("NOOP").ok().has(`* 3 FETCH (UID 3 FLAGS (\Flagged))`)
	inbox.do(`UID STORE 1 +FLAGS (\Seen)`).ok()
	list.do("NOOP").ok().has(`* 1 FETCH (UID 1 FLAGS (\Seen))`)

	// New posts are added; a removed one goes when the client may hear it, and its UID is not used again.
	s.post(b, fmt.Sprintf(plain, "four", "b2"))
	inbox.do("NOOP").ok().has("* 4 EXISTS").lacks("EXPUNGE")
	if err := s.store.RemovePost(b.ID, 2); err != nil {
		t.Fatal(err)
	}
	inbox.do("FETCH 1:* RFC822.SIZE").ok().has("* 3 FETCH").lacks("EXPUNGE", "* 4 FETCH")
	inbox.do("NOOP").ok().has("* 4 EXPUNGE")
	s.post(b, fmt.Sprintf(plain, "five", "b3"))
	inbox.do("NOOP").ok().has("* 4 EXISTS")
	inbox.do("FETCH 4 UID").ok().has("* 4 FETCH (UID 5)")

	// Who leaves a list reads its posts no more; who joins one finds its posts above all others.
	if err := s.store.RemoveMember(a.ID, "asha@example.org"); err != nil {
		t.Fatal(err)
	}
	inbox.do("FETCH 1:* UID").ok().lacks("UID 1)", "UID 3)", "EXPUNGE")
	s.post(b, fmt.Sprintf(plain, "six", "b4"))
	inbox.do("NOOP").ok().has("* 1 EXPUNGE\r\n* 2 EXPUNGE")
	s.join(a, "asha@example.org", store.RoleMember)
	inbox.do("SELECT INBOX").ok().has("* 5 EXISTS")
	inbox.do("FETCH 1:* UID").ok().has("* 1 FETCH (UID 2)", "* 2 FETCH (UID 5)", "* 3 FETCH (UID 6)", "* 4 FETCH (UID 7)", "* 5 FETCH (UID 8)")
}

func TestWhoLostTheRightReadsNoMore(t *testing.T) {
	lose := map[string]func(s *site, l store.List) error{
		"left":    func(s *site, l store.List) error { return s.store.RemoveMember(l.ID, "asha@example.org") },
		"removed": func(s *site, l store.List) error { return s.store.RemoveList(l.ID) },
		"closed": func(s *site, l store.List) error {
			_, err := s.store.UpdateList(l.ID, func(l *store.List) error { l.Archive = "off"; return nil })
			return err
		},
	}
	for name, do := range lose {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			l := s.list("heplink", nil)
			s.join(l, "asha@example.org", store.RoleMember)
			s.post(l, fmt.Sprintf(plain, "first", "a1"))
			reading, idle := s.login("asha@example.org"), s.login("asha@example.org")
			reading.do("SELECT heplink").ok()
			idle.do("SELECT heplink").ok()
			fmt.Fprintf(idle.c, "i IDLE\r\n")
			idle.line()
			if err := do(s, l); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(reading.c, "f FETCH 1 BODY[]\r\n")
			for _, c := range []*client{reading, idle} {
				if line := c.line(); !strings.HasPrefix(line, "* BYE") {
					t.Errorf("heard %q", line)
				}
			}
		})
	}
}
