package archive

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var removedAt = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestRemoveAttachment(t *testing.T) {
	raw := crlf("From: a@x.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Type: text/plain\n\nThe text.\n" +
		"--b\nContent-Type: text/csv; name=one.csv\n\nfirst\n--b\nContent-Type: application/pdf; name=two.pdf\nContent-ID: <two>\n\nsecond\n--b--\nend\n")
	out, err := RemoveAttachment(raw, 1, removedAt)
	if err != nil {
		t.Fatal(err)
	}
	b := Read(out)
	if len(b.Attachments) != 2 || !b.Attachments[0].Removed() || b.Attachments[1].Removed() || b.Attachments[1].Filename != "two.pdf" {
		t.Errorf("attachments are %+v", b.Attachments)
	}
	if strings.Contains(string(out), "first") || strings.Contains(string(out), "one.csv") || strings.TrimSpace(b.Text) != "The text." {
		t.Errorf("the message is\n%s", out)
	}
	before, after := strings.Split(string(raw), "\r\n--b"), strings.Split(string(out), "\r\n--b")
	for i := range before {
		if i != 2 && before[i] != after[i] {
			t.Errorf("part %d was %q and is %q", i, before[i], after[i])
		}
	}
	if n := Describe(out, removedAt).Post.Attachments; n != 1 {
		t.Errorf("%d attachments are counted", n)
	}
	for _, k := range []int{0, 1, 3} {
		if _, err := RemoveAttachment(out, k, removedAt); !errors.Is(err, ErrNoAttachment) {
			t.Errorf("attachment %d: %v", k, err)
		}
	}
}

func TestRemoveAttachmentThatIsTheMessage(t *testing.T) {
	raw := crlf("From: a@x.org\nSubject: Report\nContent-Type: application/pdf;\n name=report.pdf\nContent-Transfer-Encoding: base64\nMIME-Version: 1.0\n\nc2VjcmV0\n")
	out, err := RemoveAttachment(raw, 1, removedAt)
	want := string(crlf("Content-Type: text/plain; charset=utf-8\nContent-Disposition: attachment\nSangam-Removed: Tue, 24 Nov 2026 09:00:00 +0000\n" +
		"From: a@x.org\nSubject: Report\nMIME-Version: 1.0\n\nAn attachment was here. An owner of the list removed it from the archive.\n"))
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// Whatever the message is, each attachment can be removed, and the others stay as they are.
func FuzzRemoveAttachment(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b\r\nContent-Type: c/d\r\n\r\ny\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: a/b\r\n\r\nx"))
	f.Add([]byte("Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img>\r\n--b\r\nContent-Type: image/png\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := Read(raw).Attachments
		for k := 1; k <= min(len(before), 3); k++ {
			out, err := RemoveAttachment(raw, k, removedAt)
			if errors.Is(err, ErrNoAttachment) {
				continue
			}
			after := Read(out).Attachments
			if err != nil || len(after) != len(before) || !after[k-1].Removed() {
				t.Fatalf("attachment %d of %d: %v, then %d\n%q\n%q", k, len(before), err, len(after), raw, out)
			}
		}
	})
}
