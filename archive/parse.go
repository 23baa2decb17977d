package archive

import (
	"bytes"
	"strings"
)

// Bounds of the MIME tree. No mail program nests or counts that high.
const (
	maxDepth    = 50
	maxParts    = 1000
	maxBoundary = 250 // RFC 2046 section 5.1.1 allows 70; some programs write more
)

// Parse reads the MIME tree of a message. It never fails, reads the bytes once however deep parts are nested, and recurses into embedded
// messages unless they are transfer-encoded. Where a part is cut short by the boundary of an outer multipart, or by the end, it ends there.
func Parse(raw []byte) *Part {
	p := &parser{raw: raw, levels: map[string]int{}}
	root, _ := p.entity(0, "text/plain")
	return root
}

// parser goes over raw once. A line that is the boundary of any open multipart ends what is being read.
type parser struct {
	raw    []byte
	pos    int
	open   int            // multiparts
	levels map[string]int // of the open boundaries; of equal ones the innermost
	parts  int
}

// delimiter says what ended an entity: a boundary line of the open multipart at level, or the end of the message (level -1).
type delimiter struct {
	level int
	last  bool // the closing one, with -- behind it
}

var endOfMessage = delimiter{level: -1}

// entity reads header and body from pos; pos is then behind the delimiter's line.
func (p *parser) entity(depth int, mediaType string) (*Part, delimiter) {
	p.parts++
	part := &Part{Start: p.pos}
	end, d, cut := p.readHeader(part)
	part.BodyStart = p.pos
	if cut {
		part.BodyStart = end
	}
	part.describe(mediaType)
	switch {
	case cut:
		part.End = end
		part.leaf()
	case part.Type == "multipart" && depth < maxDepth && part.boundary() != "":
		d = p.multipart(part, depth)
	case part.embeds() && depth < maxDepth && p.parts < maxParts:
		part.Message, d = p.entity(depth+1, "text/plain")
		part.End = part.Message.End
	default:
		part.End, d = p.skipBody()
		part.leaf()
	}
	return part, d
}

func (p *parser) multipart(part *Part, depth int) delimiter {
	level, boundary := p.open, part.boundary()
	outer, shadowed := p.levels[boundary]
	p.levels[boundary] = level
	p.open++
	childType := "text/plain"
	if part.Subtype == "digest" {
		childType = "message/rfc822"
	}
	end, d := p.skipBody() // the preamble
	for d.level == level && !d.last {
		var child *Part
		child, d = p.entity(depth+1, childType)
		end = child.End
		if child.Start == len(p.raw) && len(part.Parts) > 0 {
			break // the closing delimiter lacks its dashes
		}
		part.Parts = append(part.Parts, child)
	}
	p.open--
	if delete(p.levels, boundary); shadowed {
		p.levels[boundary] = outer
	}
	if d.level == level { // closed: the epilogue belongs to this part
		end, d = p.skipBody()
	}
	part.End = end
	part.leaf()
	return d
}

// skipBody goes to the next delimiter and returns where the body before it ends: the line break before a delimiter is part of the delimiter.
func (p *parser) skipBody() (end int, d delimiter) {
	if p.open == 0 || p.parts >= maxParts {
		p.pos = len(p.raw)
		return p.pos, endOfMessage
	}
	start := p.pos
	for {
		if d, ok := p.atDelimiter(); ok {
			end := p.pos
			p.pos = nextLine(p.raw, p.pos)
			return max(start, lineBreakBefore(p.raw, end)), d
		}
		i := bytes.Index(p.raw[p.pos:], []byte("\n--"))
		if i < 0 {
			p.pos = len(p.raw)
			return p.pos, endOfMessage
		}
		p.pos += i + 1
	}
}

// atDelimiter tells whether the line at pos is a boundary line of an open multipart.
func (p *parser) atDelimiter() (delimiter, bool) {
	rest := p.raw[p.pos:]
	if p.open == 0 || p.parts >= maxParts || len(rest) < 3 || rest[0] != '-' || rest[1] != '-' {
		return delimiter{}, false
	}
	line := rest[2:min(len(rest), maxBoundary+100)]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, " \t\r")
	if level, ok := p.levels[string(line)]; ok {
		return delimiter{level: level}, true
	}
	if line, ok := bytes.CutSuffix(line, []byte("--")); ok {
		if level, ok := p.levels[string(line)]; ok {
			return delimiter{level: level, last: true}, true
		}
	}
	return delimiter{}, false
}

// readHeader reads up to and including the empty line. It is cut when a delimiter or the end of the message comes first; end is then the
// end of the whole part. A text without any field is a body without header.
func (p *parser) readHeader(part *Part) (end int, d delimiter, cut bool) {
	start := p.pos
	for p.pos < len(p.raw) {
		if d, ok := p.atDelimiter(); ok {
			end = max(start, lineBreakBefore(p.raw, p.pos))
			p.pos = nextLine(p.raw, p.pos)
			return end, d, true
		}
		next := nextLine(p.raw, p.pos)
		line := p.raw[p.pos:next]
		switch {
		case line[0] == '\n' || len(line) > 1 && line[0] == '\r' && line[1] == '\n':
			p.pos = next
			return 0, d, false
		case part.header.add(line):
		case start == 0 && p.pos == 0 && part.header.add(bytes.TrimLeft(line, " \t")): // an indented first field
		case len(part.header.fields) == 0 && !isFromLine(line):
			return 0, d, false
		}
		p.pos = next
	}
	return p.pos, endOfMessage, true
}

// isFromLine recognises the separator of an mbox that some program left on top of a message.
func isFromLine(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From "))
}

func nextLine(raw []byte, pos int) int {
	if i := bytes.IndexByte(raw[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(raw)
}

func lineBreakBefore(raw []byte, pos int) int {
	if pos > 0 && raw[pos-1] == '\n' {
		pos--
		if pos > 0 && raw[pos-1] == '\r' {
			pos--
		}
	}
	return pos
}

// boundary of a multipart, empty when it has no usable one. It cannot end in a blank: one may follow it on its line.
func (p *Part) boundary() string {
	b := strings.TrimRight(p.Params["boundary"], " \t")
	if len(b) > maxBoundary {
		return ""
	}
	return b
}

// embeds tells whether the body is a message whose parts can be addressed by offset.
func (p *Part) embeds() bool {
	if p.Type != "message" || p.Subtype != "rfc822" && p.Subtype != "global" {
		return false
	}
	return p.Encoding != "base64" && p.Encoding != "quoted-printable"
}

// leaf makes a multipart without parts what clients can show: RFC 9051 knows no body-type-mpart without a body.
func (p *Part) leaf() {
	if p.Type == "multipart" && len(p.Parts) == 0 {
		p.Type, p.Subtype, p.Params = "text", "plain", nil
	}
}

// describe fills in the MIME fields (RFC 2045, 2183).
func (p *Part) describe(mediaType string) {
	p.Type, p.Subtype, _ = strings.Cut(mediaType, "/")
	charset := ""
	if v, ok := p.header.first("Content-Type"); ok {
		value, params := parseParams(v, charset)
		if t, s, ok := strings.Cut(strings.ToLower(value), "/"); ok && isToken(t) && isToken(strings.TrimSpace(s)) {
			p.Type, p.Subtype, p.Params = t, strings.TrimSpace(s), params
		} else if params["charset"] != "" { // "Content-Type: text; charset=…"
			p.Params = map[string]string{"charset": params["charset"]}
		}
		charset = p.Params["charset"]
	}
	p.header.charset = charset
	if v, ok := p.header.first("Content-Disposition"); ok {
		p.Disposition, p.DispositionParams = parseParams(v, charset)
		p.Disposition = strings.ToLower(p.Disposition)
		if !isToken(p.Disposition) {
			p.Disposition = ""
		}
	}
	p.Encoding = "7bit"
	if v, ok := p.header.first("Content-Transfer-Encoding"); ok {
		if e, _ := parseParams(v, ""); isToken(e) {
			p.Encoding = strings.ToLower(e)
		}
	}
	p.ID = p.header.Get("Content-Id")
	p.Description = p.header.Get("Content-Description")
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
