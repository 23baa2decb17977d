package wire

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// maxDepth of parentheses, NOT and OR.
const maxDepth = 100

// Args reads the arguments of a command from left to right. After the first thing that is not as expected all methods return nothing; Err
// and End tell.
type Args struct {
	b     []byte
	depth int
	err   error
}

// Fail says that something was read which cannot be; the first such text is kept.
func (a *Args) Fail(format string, args ...any) {
	if a.err == nil {
		a.err = bad(format, args...)
		a.b = nil
	}
}

// Err is an *imap.Error of type BAD, or nil.
func (a *Args) Err() error { return a.err }

// End must be called when all arguments were read.
func (a *Args) End() error {
	if a.err == nil && string(bytes.TrimLeft(a.b, " ")) != "\r\n" { // some clients leave a blank there
		a.Fail("There is more than this command takes: %q", cut(a.b))
	}
	return a.err
}

// Rest forgets what is left.
func (a *Args) Rest() { a.b = []byte("\r\n") }

// cut keeps what an error shows short.
func cut(b []byte) []byte { return bytes.TrimRight(b[:min(len(b), 40)], "\r\n") }

func (a *Args) next() byte {
	if len(a.b) == 0 {
		return 0
	}
	return a.b[0]
}

// Accept takes c when it comes next.
func (a *Args) Accept(c byte) bool {
	if a.err != nil || a.next() != c {
		return false
	}
	a.b = a.b[1:]
	return true
}

// Next tells whether c comes next.
func (a *Args) Next(c byte) bool { return a.next() == c }

// Expect takes c, which must come next.
func (a *Args) Expect(c byte) {
	if !a.Accept(c) {
		a.Fail("Expected %q before %q", c, cut(a.b))
	}
}

// SP takes one blank.
func (a *Args) SP() { a.Expect(' ') }

func (a *Args) chars(is func(byte) bool) string {
	n := 0
	for n < len(a.b) && is(a.b[n]) {
		n++
	}
	if n == 0 {
		a.Fail("Expected a word before %q", cut(a.b))
		return ""
	}
	s := string(a.b[:n])
	a.b = a.b[n:]
	return s
}

func isAtom(c byte) bool {
	return c > ' ' && c != 0x7f && strings.IndexByte(`(){%*"\]`, c) < 0
}

// Atom is one word.
func (a *Args) Atom() string { return a.chars(isAtom) }

// Word is an atom in upper case; brackets are left, as in BODY[TEXT].
func (a *Args) Word() string {
	return strings.ToUpper(a.chars(func(c byte) bool { return isAtom(c) && c != '[' && c != '<' }))
}

// AString is a word, a quoted string or a literal.
func (a *Args) AString() string {
	if c := a.next(); c == '"' || c == '{' {
		return a.String()
	}
	return a.chars(func(c byte) bool { return isAtom(c) || c == ']' })
}

// String is quoted or a literal.
func (a *Args) String() string {
	if a.next() == '{' {
		return a.literal()
	}
	a.Expect('"')
	var s strings.Builder
	for i := 0; i < len(a.b); i++ {
		switch c := a.b[i]; c {
		case '"':
			a.b = a.b[i+1:]
			return s.String()
		case '\r', '\n', 0:
			i = len(a.b)
		case '\\':
			if i++; i < len(a.b) && (a.b[i] == '"' || a.b[i] == '\\') {
				s.WriteByte(a.b[i])
			} else {
				i = len(a.b)
			}
		default:
			s.WriteByte(c)
		}
	}
	a.Fail("The quoted string has no end or holds what must not be quoted")
	return ""
}

func (a *Args) literal() string {
	head, rest, _ := bytes.Cut(a.b, []byte("\r\n"))
	n, _, ok := literal(append(head[:len(head):len(head)], "\r\n"...))
	if !ok || head[1] == '{' || int64(len(rest)) < n {
		a.Fail("Expected a literal before %q", cut(a.b))
		return ""
	}
	s := string(rest[:n])
	if a.b = rest[n:]; strings.IndexByte(s, 0) >= 0 {
		a.Fail("A literal must not hold NUL")
	}
	return s
}

// ListMailbox is a mailbox name with wildcards, RFC 9051 list-mailbox.
func (a *Args) ListMailbox() string {
	if c := a.next(); c == '"' || c == '{' {
		return a.String()
	}
	return a.chars(func(c byte) bool { return isAtom(c) || c == ']' || c == '*' || c == '%' })
}

// Number64 is a number below 2^63.
func (a *Args) Number64() int64 {
	digits := a.chars(func(c byte) bool { return c >= '0' && c <= '9' })
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		a.Fail("The number %q is too large", digits)
	}
	return n
}

// Number is a number below 2^32.
func (a *Args) Number() uint32 {
	n := a.Number64()
	if n > 1<<32-1 {
		a.Fail("The number %d is too large", n)
		return 0
	}
	return uint32(n)
}

// SeqSet is a set of sequence numbers, where 0 stands for *. It is not sorted.
func (a *Args) SeqSet() (set imap.SeqSet) {
	a.ranges(func(from, to uint32) { set = append(set, imap.SeqRange{Start: from, Stop: to}) })
	return set
}

// UIDSet is a set of UIDs, where 0 stands for *. It is not sorted.
func (a *Args) UIDSet() (set imap.UIDSet) {
	a.ranges(func(from, to uint32) { set = append(set, imap.UIDRange{Start: imap.UID(from), Stop: imap.UID(to)}) })
	return set
}

// NumSet is a set of UIDs or of sequence numbers, or $ for the result of the last search.
func (a *Args) NumSet(uid bool) imap.NumSet {
	switch {
	case a.Accept('$'):
		return imap.SearchRes()
	case uid:
		return a.UIDSet()
	}
	return a.SeqSet()
}

func (a *Args) ranges(add func(from, to uint32)) {
	number := func() uint32 {
		if a.Accept('*') {
			return 0
		}
		n := a.Number()
		if n == 0 {
			a.Fail("0 is no number of a message")
		}
		return n
	}
	for {
		from := number()
		to := from
		if a.Accept(':') {
			to = number()
		}
		if a.err != nil {
			return
		}
		if add(from, to); !a.Accept(',') {
			return
		}
	}
}

// List reads item after item between parentheses; there may be none.
func (a *Args) List(item func()) {
	a.Expect('(')
	if a.Accept(')') {
		return
	}
	defer a.Deeper()()
	for a.err == nil {
		item()
		if a.Accept(')') {
			return
		}
		a.SP()
	}
}

// Deeper must be called where arguments nest; what it returns, when leaving.
func (a *Args) Deeper() func() {
	if a.depth++; a.depth > maxDepth {
		a.Fail("This is nested too deeply")
	}
	return func() { a.depth-- }
}

// Flag is \Seen and the like, or a keyword.
func (a *Args) Flag() imap.Flag {
	if a.Accept('\\') {
		return imap.Flag(`\` + a.Atom())
	}
	return imap.Flag(a.Atom())
}

// Date is a day such as 1-Feb-1994, which may be quoted.
func (a *Args) Date() time.Time {
	text := a.AString()
	t, err := time.Parse("2-Jan-2006", text)
	if err != nil {
		a.Fail("%q is no date: write it as 1-Feb-1994", cut([]byte(text)))
	}
	return t
}
