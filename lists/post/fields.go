package post

import (
	"bytes"
	"slices"
	"strings"
)

// message is a header as fields with their bytes, and the body. What no transform touches keeps its bytes.
type message struct {
	fields []field
	body   []byte // behind the empty line
}

// field is one header field with its folding and line end.
type field struct {
	name string // lower case
	raw  string
}

// split reads a header whose lines end in CRLF. A line that is neither a field nor its continuation belongs to the field
// before it.
func split(header, body []byte) *message {
	m := &message{body: body}
	for line := range strings.Lines(string(header)) {
		name, _, colon := strings.Cut(line, ":")
		switch n := len(m.fields); {
		case line == "\r\n":
		case n > 0 && (line[0] == ' ' || line[0] == '\t' || !colon):
			m.fields[n-1].raw += line
		default:
			m.fields = append(m.fields, field{strings.ToLower(strings.TrimSpace(name)), line})
		}
	}
	return m
}

func (m *message) has(name string) bool {
	return slices.ContainsFunc(m.fields, func(f field) bool { return f.name == name })
}

func (m *message) bytes() []byte {
	var b bytes.Buffer
	for _, f := range m.fields {
		b.WriteString(f.raw)
	}
	b.WriteString("\r\n")
	b.Write(m.body)
	return b.Bytes()
}

func (m *message) remove(drop func(name string) bool) {
	kept := m.fields[:0]
	for _, f := range m.fields {
		if !drop(f.name) {
			kept = append(kept, f)
		}
	}
	m.fields = kept
}

// set replaces the first field of the name and removes the others, or adds one at the end.
func (m *message) set(name, value string) {
	raw, at := fold(name, value), -1
	kept := m.fields[:0]
	for _, f := range m.fields {
		if f.name == strings.ToLower(name) {
			if at >= 0 {
				continue
			}
			at, f.raw = len(kept), raw
		}
		kept = append(kept, f)
	}
	m.fields = kept
	if at < 0 {
		m.fields = append(m.fields, field{strings.ToLower(name), raw})
	}
}

// lineLength is where lines are folded, RFC 5322 section 2.1.1.
const lineLength = 78

// fold writes a field on lines of at most 78 bytes where its spaces allow. No line end of the value survives.
func fold(name, value string) string {
	var b strings.Builder
	b.WriteString(name + ":")
	length := len(name) + 1
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\r' || r == '\n' || r == '\t' }) {
		if length > len(name)+1 && length+1+len(word) > lineLength {
			b.WriteString("\r\n")
			length = 0
		}
		b.WriteString(" " + word)
		length += 1 + len(word)
	}
	b.WriteString("\r\n")
	return b.String()
}
