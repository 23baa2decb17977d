package dkim

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"strings"
)

// Field is one field of a header.
type Field struct {
	Name string // lower case; empty for a line that is no field
	Raw  []byte // with its folding, without the last line end
}

// Split divides a message, its lines ending in CRLF, into the fields of its header and the body behind the empty line.
func Split(raw []byte) (fields []Field, body []byte) {
	for len(raw) > 0 {
		if bytes.HasPrefix(raw, []byte("\r\n")) {
			return fields, raw[2:]
		}
		end := lineEnd(raw)
		for end < len(raw) && (raw[end] == ' ' || raw[end] == '\t') {
			end += lineEnd(raw[end:])
		}
		field := bytes.TrimSuffix(raw[:end], []byte("\r\n"))
		name, _, found := bytes.Cut(field, []byte(":"))
		if !found {
			name = nil
		}
		fields = append(fields, Field{strings.ToLower(string(bytes.TrimRight(name, " \t"))), field})
		raw = raw[end:]
	}
	return fields, nil
}

// lineEnd is the length of the first line with its CRLF.
func lineEnd(b []byte) int {
	if i := bytes.Index(b, []byte("\r\n")); i >= 0 {
		return i + 2
	}
	return len(b)
}

// AppendField writes the field as it is hashed, without the last line end: relaxed (RFC 6376 section 3.4.2), or as it is.
func AppendField(to []byte, f Field, relaxed bool) []byte {
	if !relaxed {
		return append(to, f.Raw...)
	}
	_, value, _ := bytes.Cut(f.Raw, []byte(":"))
	to = append(append(to, f.Name...), ':')
	return appendWords(to, value)
}

// appendWords writes what stands between runs of blanks and line ends with one space each, and none at the ends.
func appendWords(to, value []byte) []byte {
	gap, first := false, true
	for _, c := range value {
		switch c {
		case ' ', '\t', '\r', '\n':
			gap = true
			continue
		}
		if gap && !first {
			to = append(to, ' ')
		}
		to = append(to, c)
		gap, first = false, false
	}
	return to
}

// BodyHash of a body whose lines end in CRLF: relaxed (RFC 6376 section 3.4.4) or simple (section 3.4.3). limit bounds the bytes that count,
// as the tag l= does; negative: all.
func BodyHash(body []byte, relaxed bool, limit int64) []byte {
	h := sha256.New()
	w := &limited{h, limit}
	if relaxed {
		hashRelaxed(w, body)
		return h.Sum(nil)
	}
	for bytes.HasSuffix(body, []byte("\r\n\r\n")) {
		body = body[:len(body)-2]
	}
	if w.write(body); !bytes.HasSuffix(body, []byte("\r\n")) {
		w.write([]byte("\r\n"))
	}
	return h.Sum(nil)
}

func hashRelaxed(w *limited, body []byte) {
	empty := 0 // lines that were empty so far and count only when another follows
	var line []byte
	for len(body) > 0 {
		n := lineEnd(body)
		line = appendBlanks(line[:0], bytes.TrimSuffix(body[:n], []byte("\r\n")))
		body = body[n:]
		if len(line) == 0 {
			empty++
			continue
		}
		for ; empty > 0; empty-- {
			w.write([]byte("\r\n"))
		}
		w.write(append(line, "\r\n"...))
	}
}

// appendBlanks writes a line with single spaces in place of runs of blanks, and none at the end.
func appendBlanks(to, line []byte) []byte {
	line = bytes.TrimRight(line, " \t")
	gap := false
	for _, c := range line {
		if c == ' ' || c == '\t' {
			gap = true
			continue
		}
		if gap {
			to, gap = append(to, ' '), false
		}
		to = append(to, c)
	}
	return to
}

type limited struct {
	h    hash.Hash
	left int64 // negative: no limit
}

func (w *limited) write(b []byte) {
	if w.left >= 0 {
		b = b[:min(int64(len(b)), w.left)]
		w.left -= int64(len(b))
	}
	w.h.Write(b)
}
