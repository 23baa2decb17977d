package deliver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

const withPhoto = "From: Asha <asha@example.net>\r\nSubject: test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--b\r\nContent-Type: image/png; name=a.png\r\n\r\nPNG\r\n--b--\r\n"

// Links come to those who want them, and to all when the list says so; a list without archive has nothing to link to.
func TestLinksInPlaceOfAttachments(t *testing.T) {
	for _, c := range []struct {
		list, archive string
		linked        int
	}{{"keep", "members", 1}, {"link", "members", 3}, {"link", "off", 0}} {
		w := newWorld(t, 3, sink.Options{Keep: true})
		_, err := w.store.UpdateList(w.list.ID, func(l *store.List) error {
			l.Attachments, l.Archive = c.list, c.archive
			return nil
		})
		w.must(err)
		_, err = w.store.UpdateMember(w.list.ID, "member00001@example.org", func(m *store.Member) error { return m.Set("attachments", "link") })
		w.must(err)
		w.attachment = func(l store.List, number uint64, a archive.Attachment, until time.Time) string {
			return fmt.Sprintf("https://x.example/%s/%d/%d until %s", l.Name, number, a.K, until.Format(time.DateOnly))
		}
		w.run()
		w.postRaw(withPhoto)
		w.eventually("the job is done", w.idle)
		linked := 0
		want := "See.\n\na.png (1 KB): https://x.example/heplink/1/1 until " + time.Now().UTC().AddDate(0, 0, 60).Format(time.DateOnly) + "\n"
		for _, m := range w.sink.Messages() {
			body := archive.Read(m.Data)
			if len(body.Attachments) == 0 {
				linked++
				if body.Text != want {
					t.Errorf("text %q, want %q", body.Text, want)
				}
				if c.linked == 1 && !strings.Contains(m.To[0], "member00001") {
					t.Errorf("%s did not ask for links", m.To)
				}
			}
		}
		if n := len(w.sink.Messages()); n != 3 || linked != c.linked {
			t.Errorf("list %s, archive %s: %d copies, %d with links", c.list, c.archive, n, linked)
		}
	}
}
