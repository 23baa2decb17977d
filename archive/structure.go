package archive

import (
	"bytes"
	"math"
	"mime"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// newStructure of RFC 9051 section 7.5.2, with the extension fields always present.
func newStructure(raw []byte, root *Part) imap.BodyStructure {
	s := structurer{raw: raw, left: maxStructure}
	return s.body(root)
}

type structurer struct {
	raw  []byte
	left budget
}

func (s *structurer) body(p *Part) imap.BodyStructure {
	disposition, languages, location := s.extended(p)
	if !p.Leaf() {
		m := &imap.BodyStructureMultiPart{
			Subtype: s.left.text(p.Subtype),
			Extended: &imap.BodyStructureMultiPartExt{
				Params: s.params(p.Params), Disposition: disposition, Language: languages, Location: location,
			},
		}
		if m.Subtype == "" {
			m.Subtype = "mixed"
		}
		for _, child := range p.Parts {
			m.Children = append(m.Children, s.body(child))
		}
		return m
	}
	body := s.raw[p.BodyStart:p.End]
	one := &imap.BodyStructureSinglePart{
		Type: s.left.text(p.Type), Subtype: s.left.text(p.Subtype), Params: s.params(p.Params),
		ID: s.left.text(cleanLine(decodeRaw(p.ID, ""))), Description: s.left.text(p.header.encoded(p.Description)),
		Encoding: s.left.text(p.Encoding),
		Size:     uint32(min(len(body), math.MaxUint32)),
		Extended: &imap.BodyStructureSinglePartExt{Disposition: disposition, Language: languages, Location: location},
	}
	if one.Type == "" || one.Subtype == "" { // beyond the budget
		one.Type, one.Subtype = "application", "octet-stream"
	}
	switch lines := int64(bytes.Count(body, []byte("\n"))); {
	case p.Message != nil && one.Type == "message":
		one.MessageRFC822 = &imap.BodyStructureMessageRFC822{
			Envelope: s.envelope(p.Message.header), BodyStructure: s.body(p.Message), NumLines: lines,
		}
	case one.Type == "message" && one.Subtype == "rfc822":
		// RFC 9051 body-type-msg must describe the message inside, which is encoded or nested too deeply to be addressed.
		one.Type, one.Subtype = "application", "octet-stream"
	case one.Type == "text":
		one.Text = &imap.BodyStructureText{NumLines: lines}
	}
	return one
}

// envelope of an embedded message, empty when the budget is spent.
func (s *structurer) envelope(h Header) *imap.Envelope {
	e := newEnvelope(h)
	size := len(EncodeEnvelope(e))
	if size > int(s.left) {
		s.left = 0
		return &imap.Envelope{}
	}
	s.left -= budget(size)
	return e
}

func (s *structurer) extended(p *Part) (d *imap.BodyStructureDisposition, languages []string, location string) {
	if p.Disposition != "" {
		d = &imap.BodyStructureDisposition{Value: s.left.text(p.Disposition), Params: s.params(p.DispositionParams)}
		if d.Value == "" {
			d = nil
		}
	}
	for _, tag := range strings.FieldsFunc(p.header.Get("Content-Language"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if isToken(tag) && len(languages) < 10 {
			if tag = s.left.text(tag); tag != "" {
				languages = append(languages, tag)
			}
		}
	}
	return d, languages, s.left.text(cleanLine(decodeRaw(p.header.Get("Content-Location"), "")))
}

// params writes values beyond ASCII as RFC 2231 extended parameters, which clients of any age can read.
func (s *structurer) params(params map[string]string) map[string]string {
	if len(params) == 0 {
		return nil
	}
	out := make(map[string]string, len(params))
	for _, key := range sortedKeys(params) {
		value := s.left.text(params[key])
		if !isASCII([]byte(value)) {
			key += "*"
			value = "utf-8''" + s.left.text(percentEncode(value))
		}
		if k := s.left.text(key); k != "" {
			out[k] = value
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
