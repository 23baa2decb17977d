package mbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"wesouthasians.org/sangam/archive"
)

// DefaultMaxSize of one message in bytes.
const DefaultMaxSize = 100 << 20

// Message is one message in the form in which it is stored.
type Message struct {
	Raw  []byte
	Line int       // where it begins, from 1; of the decompressed text
	Date time.Time // of the From line; zero when there is none or it is no real date
}

// Reader reads the messages of one mbox. Memory is bounded by the largest message allowed.
type Reader struct {
	r       *bufio.Reader
	maxSize int
	line    int // lines read
	started bool
	git     bool // the file is what git format-patch wrote: its From lines separate here
	next    fromLine
	buf     []byte
	pending error
}

// fromLine is a separator: where a message begins.
type fromLine struct {
	line  int
	date  time.Time
	exact bool // written by Writer: LF stands for CRLF, and any "From " begins a message
	any   bool // surely mboxrd: any "From " begins a message
}

// NewReader reads an mbox. maxSize 0 means DefaultMaxSize.
func NewReader(r io.Reader, maxSize int) *Reader {
	if maxSize <= 0 {
		maxSize = DefaultMaxSize
	}
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), maxSize: maxSize}
}

// Next returns the next message. A *Refusal says that one was left out; reading goes on. Any other error is final: io.EOF at the end, else
// what the underlying reader says, after all that could be read was returned.
func (r *Reader) Next() (Message, error) {
	if !r.started {
		r.started = true
		if err := r.start(); err != nil {
			return Message{}, err
		}
	}
	if r.pending != nil {
		return Message{}, r.pending
	}
	from := r.next
	size, blank, err := r.body(from)
	if err != nil {
		r.pending = err
	}
	if blank { // the empty line before the separator belongs to it
		size -= 2
		r.buf = r.buf[:max(0, min(len(r.buf), size))]
	}
	switch {
	case size == 0 && err != nil && err != io.EOF:
		return Message{}, err
	case size == 0:
		return Message{}, refuse(from.line, "the message is empty")
	case size > r.maxSize:
		return Message{}, refuse(from.line, fmt.Sprintf("the message is larger than %d bytes", r.maxSize))
	}
	return Message{Raw: bytes.Clone(r.buf), Line: from.line, Date: from.date}, nil
}

func refuse(line int, reason string) *Refusal {
	return &Refusal{Source: fmt.Sprint(line), Reason: reason}
}

// start reads up to the first From line. Text before it is refused once.
func (r *Reader) start() error {
	skipped := 0
	for {
		line, whole, err := r.readLine()
		if len(line) > 0 {
			if bytes.HasPrefix(line, []byte("From ")) {
				r.git = isGit(line)
				r.takeFrom(line, whole, err)
				break
			}
			if skipped == 0 && len(bytes.TrimSpace(line)) > 0 {
				skipped = r.line
			}
		}
		for !whole && err == nil {
			_, whole, err = r.readLine()
		}
		if err != nil {
			r.pending = err
			break
		}
	}
	if skipped > 0 {
		return refuse(skipped, "text before the first From line")
	}
	return nil
}

// takeFrom makes a From line, and the rest of it where it is longer than the buffer, the beginning of the next message. An error will be met
// again when that is read.
func (r *Reader) takeFrom(line []byte, whole bool, err error) {
	r.next = newFromLine(line)
	for !whole && err == nil {
		_, whole, err = r.readLine()
	}
	r.next.line = r.line
}

// body reads lines into buf up to the next separator. size is that of the whole message, also of what was too large to be kept; blank tells
// whether the last line was empty.
func (r *Reader) body(from fromLine) (size int, blank bool, err error) {
	r.buf = r.buf[:0]
	first := true // the piece begins a line
	announced := contentLength{}
	for {
		piece, whole, err := r.readLine()
		if first && bytes.HasPrefix(piece, []byte("From ")) {
			piece = bytes.Clone(piece) // separates looks ahead
			if r.separates(piece, whole, from, blank || size == 0, announced.left()) {
				r.takeFrom(piece, whole, err)
				return size, blank, nil
			}
		}
		announced.read(piece, first)
		if first {
			piece = unquote(piece)
		}
		if len(piece) > 0 {
			text, newline := bytes.CutSuffix(piece, []byte("\n"))
			if newline && !from.exact {
				if trimmed, ok := bytes.CutSuffix(text, []byte("\r")); ok {
					text = trimmed
				} else if len(text) == 0 && !first && bytes.HasSuffix(r.buf, []byte("\r")) {
					r.buf, size = r.buf[:len(r.buf)-1], size-1
				}
			}
			blank = first && newline && len(text) == 0
			size += len(text)
			r.keep(text, size)
			first = newline
			if newline {
				size += 2
				r.keep([]byte("\r\n"), size)
			}
		}
		if err != nil {
			if !first { // the last line lacks its line break
				size += 2
				r.keep([]byte("\r\n"), size)
			}
			return size, blank, err
		}
	}
}

// contentLength follows what a header says of its body's size, which programs that quote no From lines go by.
type contentLength struct {
	inBody bool
	n      int64 // bytes of the body that are to come; negative: none was announced, or it was passed
}

func (c *contentLength) read(piece []byte, first bool) {
	switch name, value, _ := bytes.Cut(piece, []byte(":")); {
	case c.inBody:
		c.n -= int64(len(piece))
	case first && len(bytes.TrimRight(piece, "\r\n")) == 0:
		c.inBody = true
	case first && bytes.EqualFold(name, []byte("Content-Length")):
		c.n, _ = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	}
}

// left tells whether more of the body should come.
func (c *contentLength) left() bool { return c.inBody && c.n > 0 }

func (r *Reader) keep(b []byte, size int) {
	if size <= r.maxSize+2 { // the empty line at the end does not count
		r.buf = append(r.buf, b...)
	}
}

// readLine returns a line with its LF, or a piece of a line longer than the buffer (whole is false then), valid until the next call.
func (r *Reader) readLine() (piece []byte, whole bool, err error) {
	piece, err = r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return piece, false, nil
	}
	if len(piece) > 0 {
		r.line++
	}
	return piece, true, err
}

// unquote takes one > off >From, >>From and so on.
func unquote(line []byte) []byte {
	if len(line) > 0 && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
		return line[1:]
	}
	return line
}

// separates tells whether a line begins the next message: one with a date behind an empty line, where no announced body goes on, or one with
// a date and a header field behind it.
func (r *Reader) separates(line []byte, whole bool, from fromLine, afterBlank, announced bool) bool {
	switch {
	case from.exact || from.any:
		return true
	case fromDate(line) == nil || !r.git && isGit(line):
		return false
	case afterBlank && !announced:
		return true
	}
	next, _ := r.r.Peek(maxFieldName)
	return whole && beginsField(next)
}

// maxFieldName is how far a header field is looked for, in bytes.
const maxFieldName = 80

// beginsField tells whether a line begins with the name of a header field.
func beginsField(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(":"))
	return found && len(name) > 0 && !bytes.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func newFromLine(line []byte) fromLine {
	var f fromLine
	sender, _, _ := bytes.Cut(line[len("From "):], []byte(" "))
	f.exact = string(sender) == exactSender
	f.any = string(sender) == "mboxrd@z" // public-inbox writes mboxrd so
	if date := fromDate(line); date != nil {
		if t, ok := archive.ParseDate(string(bytes.Join(date, []byte(" ")))); ok && t.Year() > 1970 {
			f.date = t.UTC()
		}
	}
	return f
}

// maxSender is how many words may stand before the date: the "user at host" of web archives has three.
const maxSender = 6

// fromDate returns the words of the date of a From line, nil when it has none: Www Mmm dd hh:mm[:ss] [zone] yyyy as asctime writes it, or
// Www, dd Mmm yyyy hh:mm[:ss] as some programs do.
func fromDate(line []byte) [][]byte {
	words := bytes.Fields(line[len("From "):min(len(line), 500)])
	for i := 0; i <= maxSender && i+4 < len(words); i++ {
		if !isName(words[i], "Mon Tue Wed Thu Fri Sat Sun") {
			continue
		}
		w := words[i:]
		if isNumber(w[1], 1, 2) && isName(w[2], months) && isNumber(w[3], 4, 4) && isClock(w[4]) {
			return w[:min(len(w), 6)]
		}
		if !isName(w[1], months) || !isNumber(w[2], 1, 2) || !isClock(w[3]) {
			continue
		}
		for k := 4; k < min(len(w), 7); k++ {
			if isNumber(w[k], 4, 4) {
				return w[:min(len(w), k+2)]
			}
		}
	}
	return nil
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"

func isName(word []byte, names string) bool {
	word = bytes.TrimRight(word, ",")
	return len(word) == 3 && bytes.Contains([]byte(names), word) && word[0] >= 'A' && word[0] <= 'Z'
}

func isNumber(word []byte, least, most int) bool {
	for _, c := range word {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(word) >= least && len(word) <= most
}

func isClock(word []byte) bool {
	parts := bytes.Split(word, []byte(":"))
	for _, p := range parts {
		if !isNumber(p, 1, 2) {
			return false
		}
	}
	return len(parts) == 2 || len(parts) == 3
}

// isGit recognises the line on top of a patch by git format-patch, which stands in the text of many posts.
func isGit(line []byte) bool {
	words := bytes.Fields(line[len("From "):min(len(line), 200)])
	if len(words) < 2 || len(words[0]) != 40 && len(words[0]) != 64 {
		return false
	}
	for _, c := range words[0] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
