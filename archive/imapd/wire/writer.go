package wire

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
)

// maxQuoted is the longest string that is written quoted.
const maxQuoted = 1000

// Writer writes answers. What it writes may wait in memory until Flush. An error of the stream is kept, and told by Flush and Err.
type Writer struct {
	w    *bufio.Writer
	err  error
	UTF8 bool // quoted strings may hold UTF-8: the client enabled IMAP4rev2 or UTF8=ACCEPT
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriterSize(w, 16<<10)} }

// Reset goes on with another stream.
func (w *Writer) Reset(to io.Writer) { w.w.Reset(to) }

// Flush sends what waits.
func (w *Writer) Flush() error {
	w.keep(w.w.Flush())
	return w.err
}

// Err is the first error of the stream.
func (w *Writer) Err() error { return w.err }

func (w *Writer) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Raw writes syntax, which must be right already.
func (w *Writer) Raw(parts ...string) *Writer {
	for _, s := range parts {
		_, err := w.w.WriteString(s)
		w.keep(err)
	}
	return w
}

// Number writes a number.
func (w *Writer) Number(n int64) *Writer {
	_, err := w.w.Write(strconv.AppendInt(w.w.AvailableBuffer(), n, 10))
	w.keep(err)
	return w
}

// String writes text quoted where that can be, else as a literal.
func (w *Writer) String(s string) *Writer {
	if !w.quotable(s) {
		return w.Literal([]byte(s))
	}
	w.Raw(`"`)
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' {
			w.Raw(s[:i], `\`, string(rune(c)))
			s, i = s[i+1:], -1
		}
	}
	return w.Raw(s, `"`)
}

func (w *Writer) quotable(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c > 0x7e && !w.UTF8 {
			return false
		}
	}
	return len(s) <= maxQuoted
}

// NString writes NIL for no text.
func (w *Writer) NString(s string) *Writer {
	if s == "" {
		return w.Raw("NIL")
	}
	return w.String(s)
}

// Literal writes any bytes but NUL, which a literal cannot hold (RFC 9051 section 4.3).
func (w *Writer) Literal(b []byte) *Writer {
	w.LiteralSize(int64(len(b)))
	_, err := w.Write(b)
	w.keep(err)
	return w
}

// LiteralSize begins a literal of n bytes, which are written next.
func (w *Writer) LiteralSize(n int64) *Writer { return w.Raw("{").Number(n).Raw("}\r\n") }

// Write adds bytes of a literal; NUL becomes 0x80. b is not changed.
func (w *Writer) Write(b []byte) (int, error) { return w.write(b, true) }

// Binary writes a literal that may hold NUL, RFC 3516.
func (w *Writer) Binary(b []byte) *Writer {
	w.Raw("~").LiteralSize(int64(len(b)))
	w.write(b, false)
	return w
}

func (w *Writer) write(b []byte, text bool) (int, error) {
	if text {
		b = withoutNUL(b)
	}
	n, err := w.w.Write(b)
	w.keep(err)
	return n, err
}

// Status writes a tagged or, with the tag *, an untagged status response. code may be empty.
func (w *Writer) Status(tag string, kind imap.StatusResponseType, code imap.ResponseCode, text string) {
	w.Raw(tag, " ", string(kind), " ")
	if code != "" {
		w.Raw("[", string(code), "] ")
	}
	w.Raw(oneLine(text), "\r\n")
}

// oneLine keeps text that may repeat what a client said to what a response may hold.
func oneLine(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// Flags writes a list of flags.
func (w *Writer) Flags(flags []imap.Flag) *Writer {
	w.Raw("(")
	for i, f := range flags {
		w.space(i).Raw(string(f))
	}
	return w.Raw(")")
}

func (w *Writer) space(i int) *Writer {
	if i > 0 {
		w.Raw(" ")
	}
	return w
}

// InternalDate writes a date-time.
func (w *Writer) InternalDate(t time.Time) *Writer {
	return w.Raw(t.Format(`"_2-Jan-2006 15:04:05 -0700"`))
}

// withoutNUL writes 0x80 for NUL. b itself is not changed.
func withoutNUL(b []byte) []byte {
	if bytes.IndexByte(b, 0) < 0 {
		return b
	}
	return bytes.ReplaceAll(b, []byte{0}, []byte{0x80})
}
