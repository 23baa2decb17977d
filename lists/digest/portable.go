package digest

import (
	"bytes"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
)

// lineLimit of RFC 5322 section 2.1.1, without the line end.
const lineLimit = 998

// portable is the post as it can travel: the same bytes, unless it has a bare CR or LF, a NUL, or a line over 998 bytes (RFC 5322 sections
// 2.1.1 and 2.3). A message/rfc822 cannot be encoded (RFC 2046 section 5.2.1), so such a post is repaired. CR and NUL become blanks, for
// without them lines could join and make a boundary or a field.
func portable(raw []byte) []byte {
	if clean, long := inspect(raw); clean && !long {
		return raw
	} else if !clean {
		var b bytes.Buffer
		for i, c := range raw {
			switch {
			case c == 0, c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n'):
				b.WriteByte(' ')
			case c == '\n' && (i == 0 || raw[i-1] != '\r'):
				b.WriteString("\r\n")
			default:
				b.WriteByte(c)
			}
		}
		raw = b.Bytes()
	}
	if _, long := inspect(raw); long {
		return breakLines(raw)
	}
	return raw
}

// inspect tells whether all line ends are CRLF and there is no NUL, and whether a line is too long.
func inspect(raw []byte) (clean, long bool) {
	clean = bytes.IndexByte(raw, 0) < 0
	for line := range bytes.Lines(raw) {
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		clean = clean && bytes.IndexByte(text, '\r') < 0 && (ended || !bytes.HasSuffix(line, []byte("\n")))
		long = long || len(text) > lineLimit
	}
	return clean, long
}

// section of a message, from an offset to that of the next one.
type section struct {
	start int
	cut   func(b *bytes.Buffer, line []byte) // writes a line over 998 bytes as shorter ones; line has no line end
}

// breakLines makes each line over 998 bytes several that read the same: fields are folded, quoted-printable gets soft line breaks, and other
// text is broken at a blank where there is one.
func breakLines(raw []byte) []byte {
	sections := appendSections(nil, archive.Parse(raw))
	var b bytes.Buffer
	at, pos := 0, 0
	for line := range bytes.Lines(raw) {
		for at+1 < len(sections) && sections[at+1].start <= pos {
			at++
		}
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		if len(text) <= lineLimit {
			b.Write(line)
		} else if sections[at].cut(&b, text); ended {
			b.WriteString("\r\n")
		}
		pos += len(line)
	}
	return b.Bytes()
}

// appendSections in the order of their offsets.
func appendSections(s []section, p *archive.Part) []section {
	s = append(s, section{p.Start, cutField})
	if p.Encoding == "quoted-printable" && p.Leaf() {
		s = append(s, section{p.BodyStart, cutQuoted})
	} else {
		s = append(s, section{p.BodyStart, cutText})
	}
	for _, child := range p.Parts {
		s = appendSections(s, child)
	}
	if p.Message != nil {
		s = appendSections(s, p.Message)
	}
	return append(s, section{p.End, cutText})
}

// cutField folds at blanks (RFC 5322 section 2.2.3), and puts one where there is none. No line becomes empty: it would end the header.
func cutField(b *bytes.Buffer, line []byte) {
	room := lineLimit
	if line[0] == ' ' || line[0] == '\t' {
		b.WriteByte(' ')
		line = bytes.TrimLeft(line, " \t")
		room--
	}
	for len(line) > room {
		k := bytes.LastIndexAny(line[:room+1], " \t")
		if k < 1 {
			k = character(line)
		}
		b.Write(bytes.TrimRight(line[:k], " \t"))
		if line = bytes.TrimLeft(line[k:], " \t"); len(line) == 0 {
			return
		}
		b.WriteString("\r\n ")
		room = lineLimit - 1
	}
	b.Write(line)
}

// cutQuoted puts soft line breaks (RFC 2045 section 6.7), and none into an =XX.
func cutQuoted(b *bytes.Buffer, line []byte) {
	for len(line) > lineLimit {
		k := lineLimit - 1
		if i := bytes.LastIndexByte(line[k-2:k], '='); i >= 0 {
			k += i - 2
		}
		b.Write(line[:k])
		b.WriteString("=\r\n")
		line = line[k:]
	}
	b.Write(line)
}

// cutText breaks behind the last blank that fits, else between two characters.
func cutText(b *bytes.Buffer, line []byte) {
	for len(line) > lineLimit {
		k := bytes.LastIndexAny(line[:lineLimit], " \t") + 1
		if k == 0 {
			k = character(line)
		}
		b.Write(line[:k])
		b.WriteString("\r\n")
		line = line[k:]
	}
	b.Write(line)
}

// character is where the last one ends that fits on a line, if it is UTF-8. One byte is left for a blank in front.
func character(line []byte) int {
	k := lineLimit - 1
	for n := k; n > k-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) {
			return n
		}
	}
	return k
}
