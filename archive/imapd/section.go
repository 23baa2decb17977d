package imapd

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
)

// section cuts BODY[…] out of the stored bytes (RFC 9051 section 6.4.5). One that the message does not have is empty. root
// may be nil for the whole message.
func section(raw []byte, root *archive.Part, s *imap.FetchItemBodySection) []byte {
	if len(s.Part) == 0 && s.Specifier == imap.PartSpecifierNone {
		return raw
	}
	part := root.Find(s.Part)
	if part == nil {
		return nil
	}
	inner := part // whose header and text are meant: the message's, or those of an embedded one
	if len(s.Part) > 0 {
		inner = part.Message
	}
	switch s.Specifier {
	case imap.PartSpecifierNone:
		return raw[part.BodyStart:part.End]
	case imap.PartSpecifierMIME:
		return raw[part.Start:part.BodyStart]
	case imap.PartSpecifierHeader:
		if inner == nil {
			return nil
		}
		header := raw[inner.Start:inner.BodyStart]
		switch {
		case len(s.HeaderFields) > 0:
			return fields(header, func(name string) bool { return contains(s.HeaderFields, name) })
		case len(s.HeaderFieldsNot) > 0:
			return fields(header, func(name string) bool { return !contains(s.HeaderFieldsNot, name) })
		}
		return header
	case imap.PartSpecifierText:
		if inner == nil {
			return nil
		}
		return raw[inner.BodyStart:inner.End]
	}
	return nil
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
