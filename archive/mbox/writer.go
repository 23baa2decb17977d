package mbox

import (
	"bufio"
	"bytes"
	"io"
	"time"
)

// exactSender in a From line says that Writer wrote the message: see the package's description.
const exactSender = "mboxrd@sangam"

// Writer writes stored posts as mboxrd with LF lines, each followed by an empty line.
type Writer struct{ w *bufio.Writer }

func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriterSize(w, 64<<10)} }

// Write adds one stored message; its lines end in CRLF. date goes into the From line.
func (w *Writer) Write(date time.Time, raw []byte) error {
	w.w.WriteString("From " + exactSender + " " + date.UTC().Format(time.ANSIC) + "\n")
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		if len(line) > 0 && (line[0] == '>' || line[0] == 'F') && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			w.w.WriteByte('>')
		}
		w.w.Write(bytes.TrimSuffix(line, []byte("\r")))
		if err := w.w.WriteByte('\n'); err != nil {
			return err
		}
	}
	return w.w.WriteByte('\n')
}

// Flush must be called at the end.
func (w *Writer) Flush() error { return w.w.Flush() }
