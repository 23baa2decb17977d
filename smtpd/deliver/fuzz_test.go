package deliver

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
)

// parrot is a connection to a remote that says what it has to say, whatever it hears.
type parrot struct {
	net.Conn
	says *bytes.Reader
}

func (p *parrot) Read(b []byte) (int, error)       { return p.says.Read(b) }
func (p *parrot) Write(b []byte) (int, error)      { return len(b), nil }
func (p *parrot) SetDeadline(time.Time) error      { return nil }
func (p *parrot) SetReadDeadline(time.Time) error  { return nil }
func (p *parrot) SetWriteDeadline(time.Time) error { return nil }
func (p *parrot) Close() error                     { return nil }

// Whatever a remote says: copies are told in order and once, none is delivered without a 2xx of its own, and what is kept of the remote's words
// is one short line.
func FuzzReplies(f *testing.F) {
	for _, s := range []string{
		"220 hi\r\n250 hi\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n550 no\r\n",
		"220-hi\r\n220 ho\r\n250-hi\r\n250-PIPELINING\r\n250-SIZE 1\r\n250 8BITMIME\r\n250 a\r\n550 b\r\n354 c\r\n554 d\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
		"220 hi\r\n250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n250 r\r\n250 a\r\n250 b\r\n250 c\r\n250 r\r\n250 a\r\n550 b\r\n503 c\r\n421 bye\r\n",
		"220 hi\r\n500 what\r\n250 hi\r\n250\r\n250\n354\r\n250-\r\n250-\x00\xff\r\n250 \r\n", "554 go away\r\n", "220 hi\r\n250-\r\n25", "2x0 hi\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		c, err := newClient(&parrot{says: bytes.NewReader(says)})
		if err == nil {
			err = c.hello("here.example.org")
		}
		if err != nil {
			return
		}
		content := newContent([]byte("Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n"))
		copies := make([]Copy, 4)
		for i := range copies {
			copies[i] = Copy{From: "a@example.org", To: "b@example.org", Content: content, Head: noHead}
		}
		copies[2].To = "आशा@example.org"
		told, delivered := 0, 0
		n, err := c.deliver(copies, func(i int, r Result) {
			if i != told || r.Kind == 0 || len(r.Answer) > maxAnswer || strings.ContainsAny(r.Answer, "\r\n\x00") {
				t.Errorf("copy %d told as %d: %+v", told, i, r)
			}
			if told++; r.Kind == Delivered {
				delivered++
			}
		})
		if n != told || err == nil && n != len(copies) {
			t.Errorf("%d of %d told, %d counted, %v", told, len(copies), n, err)
		}
		positive := 0 // replies after those to EHLO
		for line := range bytes.Lines(says) {
			if line[0] == '2' {
				positive++
			}
		}
		if delivered > positive {
			t.Errorf("%d delivered, %d lines begin with 2", delivered, positive)
		}
	})
}

// The form for remotes without 8BITMIME has no byte over 127 in its bodies, and each part means what it did.
func FuzzSevenBit(f *testing.F) {
	for _, s := range []string{
		"Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9fe \r\n.\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre\xff\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			"Content-Transfer-Encoding: 8bit\r\n\r\n\xe0\xa4\x86\r\n--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\x00\r\n--b\r\n\r\nascii\r\n--b--\r\nend\xff\r\n",
		"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: text/html\r\n\r\n<p>\xc3\xbc\r\n",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC and \xc3\xbc\r\n",
		"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n\xffLjQK\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\nno part \xff\r\n", "\xff", "Content-Transfer-Encoding: x-uuencode\r\n\r\n\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		raw := sendable(in)
		out := sevenBit(raw)
		if !bytes.HasSuffix(out, []byte("\r\n")) && bytes.HasSuffix(raw, []byte("\r\n")) && eightBit(raw) {
			out = append(out, "\r\n"...)
		}
		compare(t, raw, out, archive.Parse(raw), archive.Parse(out))
	})
}

func compare(t *testing.T, raw, out []byte, a, b *archive.Part) {
	if a.Type != b.Type || len(a.Parts) != len(b.Parts) || (a.Message == nil) != (b.Message == nil) {
		t.Fatalf("%s with %d parts becomes %s with %d:\n%q\n%q", a.Type, len(a.Parts), b.Type, len(b.Parts), raw, out)
	}
	if a.Message != nil {
		compare(t, raw, out, a.Message, b.Message)
		return
	}
	for i := range a.Parts {
		compare(t, raw, out, a.Parts[i], b.Parts[i])
	}
	if len(a.Parts) > 0 {
		return
	}
	if eightBit(out[b.BodyStart:b.End]) {
		t.Errorf("eight bits are left:\n%q\n%q", raw, out)
	}
	was, is := a.Decode(raw, 1<<20), b.Decode(out, 1<<20)
	if !bytes.Equal(bytes.TrimRight(was, "\r\n"), bytes.TrimRight(is, "\r\n")) {
		t.Errorf("%q becomes %q:\n%q\n%q", was, is, raw, out)
	}
}
