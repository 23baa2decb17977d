package archive

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"strconv"
	"strings"
)

// content identifies what the author sent: SHA-256 over the decoded fields below and the decoded parts. Trace fields, line endings, blanks at
// the ends of the body, transfer encodings and the names of boundaries do not matter.
func content(raw []byte, root *Part) (sum [32]byte) {
	h := sha256.New()
	header := root.header
	for _, name := range []string{"Subject", "From", "Date", "References", "In-Reply-To", "To", "Cc"} {
		value := header.Text(name)
		if name == "Date" {
			if t, ok := ParseDate(value); ok {
				value = strconv.FormatInt(t.Unix(), 10)
			}
		}
		writeItem(h, name, strings.Join(strings.Fields(value), " "))
	}
	hashPart(h, raw, root)
	h.Sum(sum[:0])
	return sum
}

func hashPart(h hash.Hash, raw []byte, p *Part) {
	writeItem(h, "part", p.MediaType())
	if p.Leaf() {
		writeItem(h, "name", p.Filename())
		hashLines(h, p.Decode(raw, 0))
		return
	}
	for _, child := range p.Parts {
		hashPart(h, raw, child)
	}
	writeItem(h, "end", "")
}

func writeItem(h hash.Hash, name, value string) {
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write([]byte(value))
	h.Write([]byte{0})
}

// hashLines hashes with LF for every CRLF and without blanks at the end.
func hashLines(h hash.Hash, b []byte) {
	b = bytes.TrimRight(b, " \t\r\n")
	for {
		i := bytes.Index(b, []byte("\r\n"))
		if i < 0 {
			break
		}
		h.Write(b[:i])
		b = b[i+1:]
	}
	h.Write(b)
	h.Write([]byte{0})
}
