package imapd_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive/imapd"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// A damaged message does not keep the others from who fetches all, and the client is told.
func TestFetchGoesOnBehindADamagedMessage(t *testing.T) {
	var hurt *storetest.Hurt
	s := &site{TB: t, desk: &desk{}}
	s.store, hurt = storetest.NewHurt(t)
	s.serve(func(o *imapd.Options) { o.Log = slog.New(slog.DiscardHandler) })
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	for n := range 3 {
		s.post(l, fmt.Sprintf(plain, fmt.Sprint("post ", n+1), fmt.Sprint(n)))
	}
	hurt.Bytes(l.ID, 2)
	c := s.login("asha@example.org")
	for _, mailbox := range []string{"heplink", "INBOX"} {
		c.do("SELECT %s", mailbox).ok()
		for _, items := range []string{"BODY.PEEK[]", "BODY.PEEK[HEADER]", "BINARY.PEEK[1]"} {
			answer := c.do("FETCH 1:3 (UID %s)", items).text
			for n, there := range map[int]bool{1: true, 2: false, 3: true} {
				if strings.Contains(answer, fmt.Sprintf("* %d FETCH", n)) != there {
					t.Errorf("%s of %s, message %d:\n%s", items, mailbox, n, answer)
				}
			}
			if !strings.Contains(answer, "NO [CORRUPTION]") {
				t.Errorf("%s of %s ends with\n%s", items, mailbox, answer)
			}
		}
		c.do("FETCH 1:3 (ENVELOPE)").ok()
	}
}
