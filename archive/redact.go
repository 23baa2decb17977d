package archive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// removedField marks the part that stands where an attachment was.
const removedField = "Sangam-Removed"

// Removed tells whether this only says that an attachment was here.
func (a Attachment) Removed() bool { return a.Part.header.Has(removedField) }

// ErrNoAttachment: the message has none of that number, or it is removed already.
var ErrNoAttachment = errors.New("there is no such attachment")

// RemoveAttachment puts a note in the place of the k-th attachment. The others keep their numbers, and all else its bytes; a signature of
// the author over them is broken. ErrNoAttachment.
func RemoveAttachment(raw []byte, k int, at time.Time) ([]byte, error) {
	root := Parse(raw)
	attachments := layOut(root).attachments
	if k < 1 || k > len(attachments) || attachments[k-1].header.Has(removedField) {
		return nil, fmt.Errorf("attachment %d: %w", k, ErrNoAttachment)
	}
	p := attachments[k-1]
	var out bytes.Buffer
	out.Write(raw[:p.Start])
	fmt.Fprintf(&out, "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment\r\n%s: %s\r\n", removedField, at.UTC().Format(time.RFC1123Z))
	if p == root {
		writeOtherFields(&out, raw[:p.BodyStart])
	}
	out.WriteString("\r\nAn attachment was here. An owner of the list removed it from the archive.\r\n")
	out.Write(raw[p.End:])
	return out.Bytes(), nil
}

// writeOtherFields writes the fields of a header that do not describe its body.
func writeOtherFields(out *bytes.Buffer, header []byte) {
	own := false
	for line := range bytes.Lines(header) {
		if !bytes.HasPrefix(line, []byte(" ")) && !bytes.HasPrefix(line, []byte("\t")) {
			name := strings.ToLower(string(line[:min(len(line), len("content-"))]))
			own = name == "content-" || len(bytes.TrimRight(line, "\r\n")) == 0
		}
		if !own {
			out.Write(bytes.TrimRight(line, "\r\n"))
			out.WriteString("\r\n")
		}
	}
}
