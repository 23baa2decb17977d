package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

const (
	// MaxLine is the longest line in bytes; a longer one ends the connection.
	MaxLine = 64 << 10
	// maxCommand bounds a command with its literals in memory.
	maxCommand = 2 * MaxLine
	// maxNonSync is how long a literal may be that is sent without asking, RFC 7888 section 5.
	maxNonSync = 4096
	// maxAppend is how much of a message for APPEND is taken, and thrown away; what is longer is refused when the client asks.
	maxAppend = 1 << 20
)

// ErrLongLine ends a connection.
var ErrLongLine = errors.New("line over 64 KiB")

// Reader reads commands.
type Reader struct {
	r       *bufio.Reader
	proceed func() error // asks the client for a literal
}

// NewReader reads from r. proceed is called when the client waits for leave to send a literal.
func NewReader(r io.Reader, proceed func() error) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 4096), proceed: proceed}
}

// Command is one command of a client. Tag is * and Name empty when they could not be read.
type Command struct {
	Tag, Name string // Name in upper case, UID FETCH and the like in one
	Args
}

// Command reads the next command. An *imap.Error is to be answered, and the next command may be read; any other error is final.
func (r *Reader) Command() (*Command, error) {
	var buf []byte
	var refused error
	for {
		line, err := r.Line()
		if err != nil {
			return nil, err
		}
		buf = append(buf, line...)
		n, sync, ok := literal(line)
		if !ok {
			break
		}
		if refused == nil {
			refused = refuse(buf, n, sync)
		}
		if refused != nil && sync {
			break // the client waits and will not send it
		}
		if buf, err = r.literal(buf, n, sync, refused != nil); err != nil {
			return nil, err
		}
	}
	c := &Command{Tag: "*"}
	if err := c.parse(buf); err != nil {
		return c, err
	}
	return c, refused
}

// refuse says why a literal is not taken, nil when it is.
func refuse(buf []byte, n int64, sync bool) error {
	switch {
	case !sync && n > maxNonSync:
		return bad("A literal of more than 4096 bytes must not be sent without asking")
	case isAppend(buf) && n > maxAppend:
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTooBig, Text: "Nothing can be added here: post by mail to the list's address"}
	case !isAppend(buf) && int64(len(buf))+n > maxCommand:
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTooBig, Text: "The literal is too long for this command"}
	}
	return nil
}

// literal reads n bytes behind what is in buf. Those of a refused command, or of a message for APPEND, are thrown away and read as an
// empty literal.
func (r *Reader) literal(buf []byte, n int64, sync, refused bool) ([]byte, error) {
	if sync {
		if err := r.proceed(); err != nil {
			return nil, err
		}
	}
	if refused || isAppend(buf) && int64(len(buf))+n > maxNonSync {
		_, err := io.CopyN(io.Discard, r.r, n)
		return append(buf[:bytes.LastIndexByte(buf, '{')], "{0}\r\n"...), err
	}
	start := len(buf)
	buf = append(buf, make([]byte, n)...)
	_, err := io.ReadFull(r.r, buf[start:])
	return buf, err
}

func isAppend(buf []byte) bool {
	_, rest, _ := bytes.Cut(buf, []byte(" "))
	return len(rest) > 7 && strings.EqualFold(string(rest[:7]), "APPEND ")
}

// Line reads one line and returns it with CRLF.
func (r *Reader) Line() ([]byte, error) {
	var line []byte
	for {
		piece, err := r.r.ReadSlice('\n')
		if len(line)+len(piece) > MaxLine {
			return nil, ErrLongLine
		}
		line = append(line, piece...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		return append(line, "\r\n"...), nil
	}
}

// Reset continues with another stream. What was read ahead of the old one is forgotten, so that nothing sent before TLS counts after it.
func (r *Reader) Reset(to io.Reader) { r.r.Reset(to) }

// literal tells whether a line ends in {n}, or {n+} of a client that does not wait.
func literal(line []byte) (n int64, sync, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("}\r\n"))
	i := bytes.LastIndexByte(line, '{')
	if !ok || i < 0 {
		return 0, false, false
	}
	digits, plus := bytes.CutSuffix(line[i+1:], []byte("+"))
	n, err := strconv.ParseInt(string(digits), 10, 64)
	return n, !plus, err == nil && digits[0] >= '0' && digits[0] <= '9'
}

func (c *Command) parse(buf []byte) error {
	c.Args = Args{b: buf}
	tag := c.chars(func(b byte) bool { return isAtom(b) && b != '+' || b == ']' })
	if c.SP(); c.err != nil {
		return bad("A command begins with a tag and its name")
	}
	c.Tag = tag
	c.Name = strings.ToUpper(c.Atom())
	if c.Name == "UID" && c.Accept(' ') {
		c.Name += " " + strings.ToUpper(c.Atom())
	}
	if c.err != nil {
		return bad("The name of a command must follow the tag")
	}
	return nil
}

func bad(format string, args ...any) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Code: imap.ResponseCodeClientBug, Text: fmt.Sprintf(format, args...)}
}
