package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
)

func TestLiteralsAreReadWithTheirCommand(t *testing.T) {
	asked := 0
	r := NewReader(strings.NewReader("a LOGIN {4}\r\nasha {6+}\r\nse\r\nct\r\nb NOOP\r\n"), func() error { asked++; return nil })
	c, err := r.Command()
	if err != nil {
		t.Fatal(err)
	}
	c.SP()
	name := c.AString()
	c.SP()
	password := c.AString()
	if err := c.End(); err != nil || name != "asha" || password != "se\r\nct" || asked != 1 {
		t.Errorf("%q %q, asked %d times, %v", name, password, asked, err)
	}
	if c, err := r.Command(); err != nil || c.Tag != "b" || c.Name != "NOOP" {
		t.Errorf("then %+v, %v", c, err)
	}
}

func TestWriterWritesWhatClientsCanRead(t *testing.T) {
	tests := map[string]string{
		"":                        `""`,
		`a "b" \c`:                `"a \"b\" \\c"`,
		"two\r\nlines":            "{10}\r\ntwo\r\nlines",
		"café":                    "{5}\r\ncafé",
		"a\x00b":                  "{3}\r\na\x80b",
		strings.Repeat("x", 1001): "{1001}\r\n" + strings.Repeat("x", 1001),
	}
	for in, want := range tests {
		var b strings.Builder
		w := NewWriter(&b)
		if w.String(in).Flush(); b.String() != want {
			t.Errorf("%q is written %q", in, b.String())
		}
	}
	var b strings.Builder
	w := NewWriter(&b)
	w.UTF8 = true
	w.String("café").Raw("\r\n").Status("a", imap.StatusResponseTypeBad, "", "no\r\nb OK")
	if w.Flush(); b.String() != "\"café\"\r\na BAD no??b OK\r\n" {
		t.Errorf("written %q", b.String())
	}
}

// endless counts what is asked of it.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.n += len(p)
	return len(p), nil
}

func TestCommandsAreBounded(t *testing.T) {
	e := &endless{}
	if _, err := NewReader(e, nil).Command(); !errors.Is(err, ErrLongLine) || e.n > MaxLine+1<<13 {
		t.Errorf("%d bytes of one line were read: %v", e.n, err)
	}
	many := strings.NewReader("a SEARCH" + strings.Repeat(" TEXT {4096+}\r\n"+strings.Repeat("x", 4096), 100) + "\r\nb NOOP\r\n")
	r := NewReader(many, nil)
	var refusal *imap.Error
	if _, err := r.Command(); !errors.As(err, &refusal) || refusal.Code != imap.ResponseCodeTooBig {
		t.Errorf("400 KB of literals: %v", err)
	}
	if c, err := r.Command(); err != nil || c.Tag != "b" {
		t.Errorf("then %+v, %v", c, err)
	}
}

// FuzzCommand reads any bytes as commands with all arguments there are, and writes what was understood.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"a LOGIN {4}\r\nasha \"x\\\"y\"\r\n", "a FETCH 1:*,$ (BODY.PEEK[1.2.HEADER.FIELDS.NOT (\"a\" b)]<1.2> BINARY.SIZE[3])\r\n",
		"a UID SEARCH RETURN (SAVE MIN) CHARSET UTF-8 OR (TEXT x 1:2) NOT SENTSINCE \"1-Feb-1994\"\r\n", "a APPEND x {3+}\r\nabc\r\n",
		"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% *) RETURN (STATUS (SIZE))\r\n", "a STORE 1 +FLAGS.SILENT (\\Seen x)\r\n", "{1}\r\n\n{2+}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), func() error { return nil })
		for {
			c, err := r.Command()
			var refusal *imap.Error
			if err != nil && !errors.As(err, &refusal) {
				return
			}
			rest, w := c.Args, NewWriter(io.Discard)
			for _, read := range []func(*Args){
				func(a *Args) {
					for _, s := range a.Fetch().BodySection {
						w.Section(&Fetch{}, s)
					}
				},
				func(a *Args) { a.Search() }, func(a *Args) { a.ListCommand() }, func(a *Args) { a.Lsub() }, func(a *Args) { a.Status() },
				func(a *Args) { a.NumSet(true) }, func(a *Args) { a.Flag(); a.SP(); a.Date() },
			} {
				a := rest
				if a.Accept(' '); true {
					read(&a)
				}
				if err := a.End(); err != nil && !errors.As(err, &refusal) {
					t.Fatalf("%q: %v", b, err)
				}
			}
		}
	})
}

// FuzzStructure writes the description of any message, which must be balanced for a client that reads quoted strings and literals.
func FuzzStructure(f *testing.F) {
	f.Add([]byte("Subject: \"a\\\r\nFrom: (x\" <a@b>\r\nContent-Type: multipart/mixed; boundary=b; x=\")\\\"(\"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		root := archive.Describe(raw, day).Post
		e, err1 := archive.DecodeEnvelope(root.Envelope)
		s, err2 := archive.DecodeStructure(root.Structure)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		if err := w.Raw("(").Envelope(e).Raw(" ").Structure(s, true).Raw(" ").Structure(s, false).Raw(")").Flush(); err != nil {
			t.Fatal(err)
		}
		if rest, ok := balanced(b.Bytes()); !ok || len(rest) > 0 {
			t.Fatalf("%q is written %q", raw, b.Bytes())
		}
	})
}
