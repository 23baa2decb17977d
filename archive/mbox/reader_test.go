package mbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// readAllMessages returns the stored bytes of the messages and what was said of the others.
func readAllMessages(t testing.TB, r io.Reader, maxSize int) (messages, refused []string) {
	t.Helper()
	mr := NewReader(r, maxSize)
	for {
		m, err := mr.Next()
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			refused = append(refused, refusal.Error())
		case err == io.EOF:
			return messages, refused
		case err != nil:
			return messages, append(refused, err.Error())
		default:
			messages = append(messages, string(m.Raw))
		}
		if len(messages)+len(refused) > 1e6 {
			t.Fatal("the reader does not end")
		}
	}
}

func TestReader(t *testing.T) {
	const from = "From asha@example.org Tue Nov 24 10:00:00 2026\n"
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	tests := map[string]struct {
		in      string
		want    []string // with LF for CRLF
		refused []string
	}{
		"two":                        {from + "A: 1\n\none\n\n" + from + "B: 2\n\ntwo\n\n", []string{"A: 1\n\none\n", "B: 2\n\ntwo\n"}, nil},
		"no empty line at the end":   {from + "A: 1\n\none\n", []string{"A: 1\n\none\n"}, nil},
		"no line break at the end":   {from + "A: 1\n\none", []string{"A: 1\n\none\n"}, nil},
		"empty lines at the end":     {from + "A: 1\n\none\n\n\n\n" + from + "B: 2\n\n", []string{"A: 1\n\none\n\n\n", "B: 2\n"}, nil},
		"quoted":                     {from + "A: 1\n\n>From x\n>>From y\n> From z\n", []string{"A: 1\n\nFrom x\n>From y\n> From z\n"}, nil},
		"a sentence":                 {from + "A: 1\n\nFrom now on at 10:00 in 2026\n", []string{"A: 1\n\nFrom now on at 10:00 in 2026\n"}, nil},
		"not after an empty line":    {from + "A: 1\n\nx\n" + from + "B: 2\n", []string{"A: 1\n\nx\n", "B: 2\n"}, nil},
		"a letter quoted":            {from + "A: 1\n\nx\n" + from + "B\n", []string{"A: 1\n\nx\n" + from + "B\n"}, nil},
		"within an announced body":   {from + "Content-length: 54\n\nx\n\n" + from + "B\n\n" + from + "C: 3\n", []string{"Content-length: 54\n\nx\n\n" + from + "B\n", "C: 3\n"}, nil},
		"a wrong length":             {from + "Content-Length: 5400\n\nx\n\n" + from + "B: 2\n", []string{"Content-Length: 5400\n\nx\n", "B: 2\n"}, nil},
		"user at host":               {"From asha at example.org  Tue Nov  3 10:00:00 2026\nA: 1\n\n\nFrom ravi at example.org  Tue Nov  3 10:00:00 2026\nB: 2\n\n", []string{"A: 1\n\n", "B: 2\n"}, nil},
		"zone before the year":       {"From - Tue Nov 3 10:00 IST 2026\nA: 1\n", []string{"A: 1\n"}, nil},
		"a patch within":             {from + "A: 1\n\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: x\n", []string{"A: 1\n\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: x\n"}, nil},
		"patches":                    {"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nA: 1\n\nFrom 1123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nB: 2\n", []string{"A: 1\n", "B: 2\n"}, nil},
		"surely mboxrd":              {"From mboxrd@z Thu Jan  1 00:00:00 1970\nA: 1\nFrom mboxrd@z Thu Jan  1 00:00:00 1970\nB: 2\n", []string{"A: 1\n", "B: 2\n"}, nil},
		"CRLF":                       {crlf(from + "A: 1\n\none\n\n" + from + "B: 2\n"), []string{"A: 1\n\none\n", "B: 2\n"}, nil},
		"mixed line ends":            {from + "A: 1\r\n\r\none\ntwo\r\n", []string{"A: 1\n\none\ntwo\n"}, nil},
		"empty message":              {from + "\n" + from + "B: 2\n", []string{"B: 2\n"}, []string{"1: the message is empty"}},
		"text before":                {"hello\nworld\n" + from + "A: 1\n", []string{"A: 1\n"}, []string{"1: text before the first From line"}},
		"empty lines before":         {"\n\n" + from + "A: 1\n", []string{"A: 1\n"}, nil},
		"too large":                  {from + "A: 1\n\n" + strings.Repeat("x", 3000) + "\n\n" + from + "B: 2\n", []string{"B: 2\n"}, []string{"1: the message is larger than 1000 bytes"}},
		"no mbox":                    {"hello\n", nil, []string{"1: text before the first From line"}},
		"nothing":                    {"", nil, nil},
		"NUL and CR stay":            {from + "A: 1\n\na\x00b\rc\n", []string{"A: 1\n\na\x00b\rc\n"}, nil},
		"only a From line":           {from, nil, []string{"1: the message is empty"}},
		"overlong From line":         {"From " + strings.Repeat("y", 100000) + "\nA: 1\n", []string{"A: 1\n"}, nil},
		"date as in a header":        {"From - Tue, 3 Nov 2026 10:00:00 +0530\nA: 1\n", []string{"A: 1\n"}, nil},
		"date in a sentence":         {from + "A: 1\n\nFrom Tue, 3 Nov it is open\n", []string{"A: 1\n\nFrom Tue, 3 Nov it is open\n"}, nil},
		"separator without a sender": {"From Tue Nov 3 10:00:00 2026\nA: 1\n", []string{"A: 1\n"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for i, w := range tt.want {
				tt.want[i] = crlf(w)
			}
			got, refused := readAllMessages(t, strings.NewReader(tt.in), 1000)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.refused, refused); d != "" {
				t.Errorf("refused (-want +got):\n%s", d)
			}
		})
	}
}

func TestReaderLongLines(t *testing.T) {
	// Line breaks fall on every place around the end of the reader's buffer.
	for n := 64<<10 - 3; n < 64<<10+3; n++ {
		body := strings.Repeat("x", n)
		got, refused := readAllMessages(t, strings.NewReader("From a@b Tue Nov 24 10:00:00 2026\n"+body+"\r\n"+body+"\n"+body), 0)
		if want := body + "\r\n" + body + "\r\n" + body + "\r\n"; len(got) != 1 || got[0] != want || refused != nil {
			t.Errorf("%d: %d messages, refused %v", n, len(got), refused)
		}
	}
}

func TestReaderDate(t *testing.T) {
	m, err := NewReader(strings.NewReader("From asha at example.org  Tue Nov  3 10:20:30 2026\nA: 1\n"), 0).Next()
	if want := time.Date(2026, 11, 3, 10, 20, 30, 0, time.UTC); err != nil || !m.Date.Equal(want) {
		t.Errorf("date %v, %v; want %v", m.Date, err, want)
	}
}

// stored draws messages as the store holds them: lines end in CRLF, bare CR, NUL and what looks like separators may be within.
func stored() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{"\r\n", "\r\n", "\r", "\x00", "From ", ">", ">From ", "From mboxrd@sangam Tue Nov 24 10:00:00 2026", "Subject: x", " ", "é", "text"})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), "") + "x\r\n"[rapid.IntRange(0, 1).Draw(t, "cut"):]
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(stored(), 1, 5).Draw(t, "messages")
		checkRoundTrip(t, want)
	})
}

func checkRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, want []string) {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, m := range want {
		if err := w.Write(time.Unix(1e9, 0), []byte(m)); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	w.Flush()
	if i := strings.Index(file.String(), "\nFrom "); i >= 0 && !strings.HasPrefix(file.String()[i+1:], "From "+exactSender) {
		t.Fatalf("an unquoted From line: %q", file.String())
	}
	var got []string
	r := NewReader(bytes.NewReader(file.Bytes()), 0)
	for {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("read: %v of %q", err, file.String())
		}
		got = append(got, string(m.Raw))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("what was written came back different (-stored +read):\n%s", d)
	}
}

func FuzzMbox(f *testing.F) {
	f.Add("From a@b Tue Nov 24 10:00:00 2026\nA: 1\n\n>From x\r\ny\rz\n\nFrom a@b Tue Nov 24 10:00:00 2026\n\n\n")
	f.Add("From mboxrd@sangam Tue Nov 24 10:00:00 2026\nA: 1\r\n\r\n\r\n\nFrom x")
	f.Add("\x1f\x8b\x08\x00")
	f.Fuzz(func(t *testing.T, file string) {
		messages, _ := readAllMessages(t, strings.NewReader(file), 1000)
		for _, m := range messages {
			if len(m) > 1000 || !strings.HasSuffix(m, "\r\n") || strings.Count(m, "\n") != strings.Count(m, "\r\n") {
				t.Fatalf("not the stored form: %q", m)
			}
		}
		if len(messages) > 0 {
			checkRoundTrip(t, messages)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for i := range 1000 {
		w.Write(time.Unix(1e9, 0), fmt.Appendf(nil, "Subject: %d\r\n\r\n%s", i, strings.Repeat("A line of text as people write it.\r\n", 150)))
	}
	w.Flush()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		readAllMessages(b, bytes.NewReader(file.Bytes()), 0)
	}
}
