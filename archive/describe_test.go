package archive

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the .want files of testdata")

var received = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// TestDescribe compares what is read of each testdata/NAME.eml with NAME.want, with LF and with CRLF.
func TestDescribe(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases in testdata")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
			crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
			got := report(t, crlf)
			if lfGot := report(t, lf); sizes(got) != sizes(lfGot) {
				t.Errorf("LF and CRLF differ:\n%s", cmp.Diff(got, lfGot))
			}
			golden := strings.TrimSuffix(file, ".eml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// sizes takes out what line ends change.
func sizes(report string) string {
	var lines []string
	for _, l := range strings.Split(report, "\n") {
		if !strings.HasPrefix(l, "structure ") && !strings.HasPrefix(l, "size ") {
			lines = append(lines, strings.TrimRight(l, "0123456789"))
		}
	}
	return strings.Join(lines, "\n")
}

// report writes all that is known of a message, in a form that people can check.
func report(t *testing.T, raw []byte) string {
	t.Helper()
	d := Describe(raw, received)
	var b strings.Builder
	p := d.Post
	fmt.Fprintf(&b, "id %s\nsubject %s\nfrom %s\nauthor %s\ndate %s\nto %v\ncc %v\nreferences %v\nlanguage %s\nattachments %d\nsize %d lines %d\n",
		p.MessageID, p.Subject, p.From, p.Author, p.Date.Format(time.RFC3339), d.To, d.Cc, d.References, p.Language, p.Attachments, p.Size, p.Lines)
	e, err := DecodeEnvelope(p.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "envelope date %s subject %s from %s to %s\n", e.Date, e.Subject, addresses(e.From), addresses(e.To))
	s, err := DecodeStructure(p.Structure)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "structure %s\n", structure(s))
	body := Read(raw)
	fmt.Fprintf(&b, "flowed %v delsp %v signed %v encrypted %v\n", body.Flowed, body.DelSp, body.Signed, body.Encrypted)
	for _, a := range body.Attachments {
		fmt.Fprintf(&b, "attachment %d %s %s content-id %q size about %d\n", a.K, a.Type, a.Filename, a.ContentID, a.Size)
	}
	fmt.Fprintf(&b, "--- text\n%s--- html\n%s\n", body.Text, strings.ReplaceAll(body.HTML, "\r", ""))
	return b.String()
}

func addresses(as []imap.Address) string {
	var out []string
	for _, a := range as {
		out = append(out, fmt.Sprintf("(%s|%s|%s)", a.Name, a.Mailbox, a.Host))
	}
	return strings.Join(out, "")
}

func structure(s *Structure) string {
	var parts []string
	for _, p := range s.Parts {
		parts = append(parts, structure(p))
	}
	inside := strings.Join(parts, " ")
	if s.Type == "multipart" {
		return s.Subtype + "(" + inside + ")"
	}
	out := fmt.Sprintf("%s/%s%v %s %d", s.Type, s.Subtype, s.Params, s.Encoding, s.Size)
	if s.Disposition != "" {
		out += fmt.Sprintf(" %s%v", s.Disposition, s.DispositionParams)
	}
	if s.Envelope != nil {
		out += "[" + inside + "]"
	}
	return out
}

func TestContent(t *testing.T) {
	const base = "Received: one\nMessage-ID: <a@x>\nFrom: Asha <asha@x>\nTo: b@x\nSubject: =?utf-8?Q?caf=C3=A9?=\nDate: Tue, 24 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\ncafé here\nsecond line\n"
	hash := func(s string) [32]byte { return Describe([]byte(s), received).Post.Content }
	same := map[string]string{
		"CRLF":               strings.ReplaceAll(base, "\n", "\r\n"),
		"trace fields":       "Received: two\nX-Spam: no\n" + base,
		"folding":            strings.Replace(base, "From: Asha <", "From: Asha\n\t<", 1),
		"another zone":       strings.Replace(base, "10:00:00 +0000", "15:30:00 +0530", 1),
		"encoding":           strings.Replace(strings.Replace(base, "\n\ncafé here", "\nContent-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9 =\nhere", 1), "x", "x", 1),
		"base64":             strings.Split(base, "\n\n")[0] + "\nContent-Transfer-Encoding: base64\n\nY2Fmw6kgaGVyZQpzZWNvbmQgbGluZQo=\n",
		"empty lines behind": base + "\n\n",
		"encoded word":       strings.Replace(base, "=?utf-8?Q?caf=C3=A9?=", "=?iso-8859-1?B?Y2Fm6Q==?=", 1),
		"another id":         strings.Replace(base, "<a@x>", "<b@x>", 1),
	}
	for name, s := range same {
		if hash(s) != hash(base) {
			t.Errorf("%s makes another content", name)
		}
	}
	other := map[string]string{
		"body":    strings.Replace(base, "second", "third", 1),
		"subject": strings.Replace(base, "caf=C3=A9", "tea", 1),
		"date":    strings.Replace(base, "10:00:00", "10:00:01", 1),
		"to":      strings.Replace(base, "b@x", "c@x", 1),
		"type":    strings.Replace(base, "text/plain", "text/html", 1),
	}
	for name, s := range other {
		if hash(s) == hash(base) {
			t.Errorf("another %s is the same content", name)
		}
	}
}

func TestDescribeAbsurdDates(t *testing.T) {
	for date, want := range map[string]time.Time{
		"Tue, 24 Nov 2026 09:00:00 +0000": received.Add(-time.Hour),
		"Wed, 25 Nov 2026 09:00:00 +0000": received.Add(23 * time.Hour),
		"Wed, 25 Nov 2026 11:00:00 +0000": received,
		"Wed, 31 Dec 1969 23:59:59 +0000": received,
		"soon":                            received,
	} {
		if got := Describe([]byte("Date: "+date+"\n\n"), received).Post.Date; !got.Equal(want) {
			t.Errorf("%s: %v, want %v", date, got, want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := Describe(raw, received)
		e, err := DecodeEnvelope(d.Post.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		if again := EncodeEnvelope(e); !bytes.Equal(again, d.Post.Envelope) {
			t.Fatalf("the envelope changes: %q, %q", again, d.Post.Envelope)
		}
		s, err := DecodeStructure(d.Post.Structure)
		if err != nil {
			t.Fatal(err)
		}
		if again := EncodeStructure(s); !bytes.Equal(again, d.Post.Structure) {
			t.Fatalf("the structure changes: %q, %q", again, d.Post.Structure)
		}
		checkStructure(t, s)
		body := Read(raw)
		for _, text := range []string{d.Post.Subject, d.Post.From, d.Post.MessageID, body.Text, body.HTML, Unflow(body.Text, true)} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00") {
				t.Fatalf("not a text: %q", text)
			}
		}
		for _, a := range body.Attachments {
			if a.Filename == "" || strings.ContainsAny(a.Filename, "/\x00\r\n") {
				t.Fatalf("bad filename %q", a.Filename)
			}
			a.Part.Decode(raw, 100)
		}
	})
}

// checkStructure asserts what a BODYSTRUCTURE must have to be written.
func checkStructure(t testing.TB, s *Structure) {
	t.Helper()
	multipart, message := s.Type == "multipart", s.Envelope != nil
	if s.Type == "" || s.Subtype == "" || multipart != (len(s.Parts) > 0 && !message) || message && len(s.Parts) != 1 {
		t.Fatalf("bad part %+v", s)
	}
	if s.Type == "message" && s.Subtype == "rfc822" && !message {
		t.Fatal("message/rfc822 without its structure")
	}
	for _, p := range s.Parts {
		checkStructure(t, p)
	}
}

func FuzzDecode(f *testing.F) {
	raw := []byte("Subject: x\nFrom: Asha <a@x>, g: b@y;\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nA: b\n\n--b--\n")
	d := Describe(raw, received)
	f.Add(d.Post.Envelope)
	f.Add(d.Post.Structure)
	f.Fuzz(func(t *testing.T, b []byte) {
		DecodeEnvelope(b)
		if s, err := DecodeStructure(b); err == nil {
			EncodeStructure(s)
		}
	})
}

func sample() []byte {
	return fmt.Appendf(nil, "Received: from a.example (a.example [192.0.2.1])\r\n\tby b.example with ESMTPS id 1; Tue, 24 Nov 2026 10:00:00 +0000\r\nFrom: =?utf-8?Q?Asha_R=C4=81o?= <asha@example.org>\r\nTo: HepLink <heplink@lists.example.org>\r\nCc: Ravi <ravi@example.org>, Mina <mina@example.org>\r\nSubject: Re: [heplink] a question about =?utf-8?B?4KSo4KSu4KS44KWN4KSk4KWH?=\r\nDate: Tue, 24 Nov 2026 15:30:00 +0530\r\nMessage-ID: <1@example.org>\r\nReferences: <a@example.org> <b@example.org>\r\n\t<c@example.org>\r\nIn-Reply-To: <c@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>%s</p>\r\n--b1--\r\n",
		strings.Repeat("A line of text as people write it =C3=A9.\r\n", 60), strings.Repeat("A line of text as people write it.<br>\r\n", 60))
}

func BenchmarkDescribe(b *testing.B) {
	raw := sample()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		Describe(raw, received)
	}
}

func BenchmarkDecodeEnvelope(b *testing.B) {
	e := Describe(sample(), received).Post.Envelope
	for b.Loop() {
		DecodeEnvelope(e)
	}
}

func BenchmarkDecodeStructure(b *testing.B) {
	s := Describe(sample(), received).Post.Structure
	for b.Loop() {
		DecodeStructure(s)
	}
}

func BenchmarkRead(b *testing.B) {
	raw := sample()
	for b.Loop() {
		Read(raw)
	}
}

func TestClocksThatNobodySet(t *testing.T) {
	received := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for date, want := range map[string]time.Time{
		"Mon, 23 Nov 2026 10:00:00 +0000": received.Add(-23 * time.Hour),
		"Sat, 24 Nov 2001 09:00:00 +0000": received.AddDate(-25, 0, 0), // sent again
		"Thu, 1 Jan 1970 00:00:10 +0000":  received,
		"Tue, 1 Jan 1980 00:00:10 +0000":  received,
		"Tue, 24 Nov 2099 09:00:00 +0000": received,
		"Thu, 24 Nov 1926 09:00:00 +0000": received,
	} {
		if got := Describe([]byte("Date: "+date+"\n\n"), received).Post.Date; !got.Equal(want) {
			t.Errorf("%s: %s, want %s", date, got, want)
		}
	}
	old := time.Date(1985, 3, 1, 0, 0, 0, 0, time.UTC)
	if got := Describe([]byte("Date: Fri, 1 Mar 1985 00:00:00 +0000\n\n"), old.Add(time.Hour)).Post.Date; !got.Equal(old) {
		t.Errorf("of an old archive: %s", got)
	}
}
