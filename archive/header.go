package archive

import (
	"bytes"
	"strings"
)

// Bounds of one header; what lies beyond is ignored. Mail that went through many hops has about 200 fields.
const (
	maxFields = 1000
	maxValue  = 256 << 10 // bytes of one value, for thousands of recipients
)

// Header is the parsed header of a message or part. Names match without regard to case.
type Header struct {
	fields  []field
	charset string // of the body: the best guess for raw 8-bit bytes
}

// field points into the raw message; value includes line breaks.
type field struct {
	name  []byte
	value []byte
}

// ParseHeader reads the header at the start of raw, up to the empty line.
func ParseHeader(raw []byte) Header {
	p := &parser{raw: raw}
	part := &Part{}
	p.readHeader(part)
	part.describe("text/plain")
	return part.header
}

// HeaderSize is where the body of a message begins, as Parse finds it.
func HeaderSize(raw []byte) int {
	p := &parser{raw: raw}
	end, _, cut := p.readHeader(&Part{})
	if cut {
		return end
	}
	return p.pos
}

// add takes one line with its line break: a field or the continuation of the last one; false when it is neither.
func (h *Header) add(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if line[0] == ' ' || line[0] == '\t' {
		if len(h.fields) == 0 {
			return false
		}
		// The value is a slice of the message that the line follows: the value grows in place. Where garbage lies between them, the
		// continuation belongs to the garbage.
		v := &h.fields[len(h.fields)-1].value
		if n := len(*v); n+len(line) <= cap(*v) && &(*v)[:n+1][n] == &line[0] {
			*v = (*v)[:n+len(line)]
		}
		return true
	}
	i := bytes.IndexByte(line, ':')
	if i < 1 {
		return false
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	if len(name) == 0 {
		return false
	}
	if len(h.fields) < maxFields {
		h.fields = append(h.fields, field{name: name, value: line[i+1:]})
	}
	return true
}

func (h Header) first(name string) (string, bool) {
	for i := range h.fields {
		if f := &h.fields[i]; len(f.name) == len(name) && equalFold(f.name, name) {
			return unfold(f.value), true
		}
	}
	return "", false
}

func equalFold(b []byte, s string) bool {
	for i := range b {
		if b[i]|0x20 != s[i]|0x20 {
			return false
		}
	}
	return true
}

// Has tells whether there is a field of this name.
func (h Header) Has(name string) bool {
	_, ok := h.first(name)
	return ok
}

// Get returns the raw value of the first field of this name, unfolded and trimmed; its bytes need not be valid UTF-8.
func (h Header) Get(name string) string {
	v, _ := h.first(name)
	return v
}

// Values returns the raw values of all fields of this name, unfolded.
func (h Header) Values(name string) []string {
	var vs []string
	for _, f := range h.fields {
		if len(f.name) == len(name) && equalFold(f.name, name) {
			vs = append(vs, unfold(f.value))
		}
	}
	return vs
}

// Text is Get with encoded words (RFC 2047) and raw 8-bit bytes decoded: one line of valid UTF-8 without control characters.
func (h Header) Text(name string) string {
	v, _ := h.first(name)
	return decodeWords(v, h.charset)
}

// unfold takes the line breaks out (RFC 5322 section 2.2.3).
func unfold(value []byte) string {
	value = value[:min(len(value), maxValue)]
	value = bytes.TrimSpace(value)
	if bytes.IndexByte(value, '\n') < 0 {
		return string(value)
	}
	var b strings.Builder
	b.Grow(len(value))
	for len(value) > 0 {
		line := value
		if i := bytes.IndexByte(value, '\n'); i >= 0 {
			line, value = value[:i], value[i+1:]
			line = bytes.TrimSuffix(line, []byte("\r"))
		} else {
			value = nil
		}
		b.Write(line)
	}
	return b.String()
}
