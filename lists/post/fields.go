package post

import (
	"bytes"
	"slices"
	"strings"

	"wesouthasians.org/sangam/archive"
)

// message is a header as fields with their bytes, and the body. What no transform touches keeps its bytes.
type message struct {
	part   *archive.Part // where it was found; nil for one that we make
	fields []field
	body   []byte // behind the empty line
}

// field is one header field with its folding and line end.
type field struct {
	name string // lower case
	raw  string
}

// split divides a part whose lines end in CRLF. A line of the header that is neither a field nor its continuation belongs
// to the field before it.
func split(raw []byte, p *archive.Part) *message {
	m := &message{part: p, body: raw[p.BodyStart:p.End]}
	for line := range strings.Lines(string(raw[p.Start:p.BodyStart])) {
		name, ok := fieldName(line)
		switch n := len(m.fields); {
		case line == "\r\n":
		case n > 0 && !ok:
			m.fields[n-1].raw += line
		default:
			m.fields = append(m.fields, field{name, line})
		}
	}
	return m
}

// fieldName in lower case; false for a line that begins no field (RFC 5322 section 3.6.8).
func fieldName(line string) (string, bool) {
	name, _, colon := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	bad := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
	return strings.ToLower(name), colon && name != "" && bad < 0
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

// fold writes a field on lines of at most 78 bytes where its spaces allow, and keeps the spaces. No line end of the value
// survives.
func fold(name, value string) string {
	value = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, value))
	var b strings.Builder
	b.WriteString(name + ":")
	length, first := len(name)+1, true
	for value != "" {
		n := len(value) - len(strings.TrimLeft(value, " \t"))
		end := n + strings.IndexAny(value[n:]+" ", " \t")
		space, word := value[:n], value[n:end]
		if first || len(space) > lineLength {
			space = " "
		}
		if !first && length+len(space)+len(word) > lineLength {
			b.WriteString("\r\n")
			length = 0
		}
		b.WriteString(space + word)
		length += len(space) + len(word)
		value, first = value[end:], false
	}
	b.WriteString("\r\n")
	return b.String()
}
