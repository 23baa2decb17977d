package imapd

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
)

// section cuts BODY[…] out of the stored bytes (RFC 9051 section 6.4.5). One that the message does not have is empty. The tree is asked for
// where a part is meant.
func section(raw []byte, tree func() (*archive.Part, error), s *imap.FetchItemBodySection) ([]byte, error) {
	if len(s.Part) == 0 {
		if s.Specifier == imap.PartSpecifierNone {
			return raw, nil
		}
		size := archive.HeaderSize(raw)
		return ofMessage(raw[:size], raw[size:], s), nil
	}
	root, err := tree()
	if err != nil {
		return nil, err
	}
	part := root.Find(s.Part)
	if part == nil {
		return nil, nil
	}
	switch s.Specifier {
	case imap.PartSpecifierNone:
		return raw[part.BodyStart:part.End], nil
	case imap.PartSpecifierMIME:
		return raw[part.Start:part.BodyStart], nil
	}
	inner := part.Message
	if inner == nil {
		return nil, nil
	}
	return ofMessage(raw[inner.Start:inner.BodyStart], raw[inner.BodyStart:inner.End], s), nil
}

// ofMessage is the header, or fields of it, or the text of a message.
func ofMessage(header, text []byte, s *imap.FetchItemBodySection) []byte {
	switch {
	case s.Specifier == imap.PartSpecifierText:
		return text
	case len(s.HeaderFields) > 0:
		return fields(header, func(name string) bool { return contains(s.HeaderFields, name) })
	case len(s.HeaderFieldsNot) > 0:
		return fields(header, func(name string) bool { return !contains(s.HeaderFieldsNot, name) })
	}
	return header
}

func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// fields keeps the fields of a header whose names are wanted, and the empty line.
func fields(header []byte, wanted func(name string) bool) []byte {
	var out []byte
	keep := false
	for line := range bytes.Lines(header) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, colon := bytes.Cut(line, []byte(":"))
			keep = colon && wanted(string(bytes.TrimSpace(name)))
		}
		if keep {
			out = append(out, line...)
		}
	}
	return append(out, "\r\n"...)
}

// cut takes the octets of <offset.size>, as many as there are.
func cut(b []byte, p *imap.SectionPartial) []byte {
	if p == nil {
		return b
	}
	if p.Offset < 0 || p.Offset >= int64(len(b)) {
		return nil
	}
	b = b[p.Offset:]
	return b[:min(max(p.Size, 0), int64(len(b)))]
}
