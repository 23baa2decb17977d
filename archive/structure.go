package archive

import (
	"bytes"
	"mime"
	"slices"
	"strings"
)

// Structure is what IMAP tells of a part (RFC 9051 section 7.5.2).
type Structure struct {
	Type, Subtype             string // lower case
	Params                    []Param
	ID, Description, Encoding string // not of a multipart
	Size, Lines               int64  // of the body as it is encoded; Lines of text and of an embedded message
	Envelope                  *Envelope
	Parts                     []*Structure // of a multipart, at least one; of an embedded message, which has an Envelope, the message
	Disposition               string       // empty: none
	DispositionParams         []Param
	Languages                 []string
	Location                  string
}

func newStructure(raw []byte, root *Part) *Structure {
	s := structurer{raw: raw, left: maxStructure}
	return s.body(root)
}

type structurer struct {
	raw  []byte
	left budget
}

func (s *structurer) body(p *Part) *Structure {
	b := &Structure{Type: s.left.text(p.Type), Subtype: s.left.text(p.Subtype)}
	if !p.Leaf() {
		if b.Type = "multipart"; b.Subtype == "" {
			b.Subtype = "mixed"
		}
		b.Params = s.params(p.header.Get("Content-Type"), p.Params)
		s.extended(b, p)
		for _, child := range p.Parts {
			b.Parts = append(b.Parts, s.body(child))
		}
		return b
	}
	body := s.raw[p.BodyStart:p.End]
	if b.Type == "" || b.Subtype == "" || b.Type == "multipart" { // beyond the budget
		b.Type, b.Subtype = "application", "octet-stream"
	}
	b.Params = s.params(p.header.Get("Content-Type"), p.Params)
	b.ID, b.Description = s.left.text(cleanLine(decodeRaw(p.ID, ""))), s.left.text(p.header.encoded(p.Description))
	b.Encoding, b.Size = s.left.text(p.Encoding), int64(len(body))
	s.extended(b, p)
	b.Lines = int64(bytes.Count(body, []byte("\n")))
	switch {
	case p.Message != nil && b.Type == "message":
		b.Envelope, b.Parts = s.envelope(p.Message.header), []*Structure{s.body(p.Message)}
	case b.Type == "message" && b.Subtype == "rfc822":
		// RFC 9051 body-type-msg must describe the message inside, which is encoded or nested too deeply to be addressed.
		b.Type, b.Subtype, b.Lines = "application", "octet-stream", 0
	case b.Type == "text":
		if !slices.ContainsFunc(b.Params, func(p Param) bool { return p.Key == "charset" || strings.HasPrefix(p.Key, "charset*") }) {
			b.Params = append(b.Params, Param{"charset", "us-ascii"}) // RFC 2045 section 5.2, as in other servers
		}
	default:
		b.Lines = 0
	}
	return b
}

// envelope of an embedded message, empty when the budget is spent.
func (s *structurer) envelope(h Header) *Envelope {
	e := newEnvelope(h)
	size := len(EncodeEnvelope(e))
	if size > int(s.left) {
		s.left = 0
		return &Envelope{}
	}
	s.left -= budget(size)
	return e
}

func (s *structurer) extended(b *Structure, p *Part) {
	if b.Disposition = s.left.text(p.Disposition); b.Disposition != "" {
		b.DispositionParams = s.params(p.header.Get("Content-Disposition"), p.DispositionParams)
	}
	for _, tag := range strings.FieldsFunc(p.header.Get("Content-Language"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if isToken(tag) && len(b.Languages) < 10 {
			if tag = s.left.text(tag); tag != "" {
				b.Languages = append(b.Languages, tag)
			}
		}
	}
	b.Location = s.left.text(cleanLine(decodeRaw(p.header.Get("Content-Location"), "")))
}

// params keeps the parameters that were understood as the field writes them, in its order. Raw 8-bit values become RFC 2231 extended
// parameters, which clients of any age can read.
func (s *structurer) params(field string, known map[string]string) (out []Param) {
	if len(known) == 0 {
		return nil
	}
	_, split := splitParams(field)
	for _, p := range split {
		base, _, _ := strings.Cut(p.Key, "*")
		value, ok := known[base]
		if !ok || slices.ContainsFunc(out, func(o Param) bool { return o.Key == p.Key }) {
			continue
		}
		if p.Value = s.left.text(cleanLine(p.Value)); !isASCII([]byte(p.Value)) {
			p = Param{base + "*", "utf-8''" + s.left.text(percentEncode(value))}
		}
		if p.Key = s.left.text(p.Key); p.Key != "" {
			out = append(out, p)
		}
	}
	return out
}

func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < maxString-3; i++ {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// encoded keeps ASCII and makes encoded words of the rest: a description is sent as it is.
func (h Header) encoded(s string) string {
	return mime.QEncoding.Encode("utf-8", h.envelopeText(s))
}
