package post

import (
	"bytes"

	"wesouthasians.org/sangam/archive"
)

// withoutLongLines encodes the parts, and folds the fields, that have lines longer than SMTP carries (RFC 5321 section 4.5.3.1.6): a
// host on the way would break them, and with them our signature. What is signed or encrypted keeps its bytes, and so does an
// attached message.
func withoutLongLines(raw []byte, root *archive.Part) []byte {
	if !hasLongLine(raw) || sealed(root) {
		return raw
	}
	var out bytes.Buffer
	at := 0
	var walk func(p *archive.Part)
	walk = func(p *archive.Part) {
		switch {
		case len(p.Parts) > 0:
			if hasLongLine(raw[p.Start:p.BodyStart]) {
				m := split(raw, p)
				m.body = nil
				m.fold()
				out.Write(raw[at:p.Start])
				out.Write(m.bytes())
				at = p.BodyStart
			}
			for _, sub := range p.Parts {
				walk(sub)
			}
		case hasLongLine(raw[p.Start:p.End]):
			m := split(raw, p)
			m.fold()
			m.shorten(raw)
			out.Write(raw[at:p.Start])
			out.Write(m.bytes())
			at = p.End
		}
	}
	walk(root)
	out.Write(raw[at:])
	return out.Bytes()
}

func hasLongLine(b []byte) bool {
	for line := range bytes.Lines(b) {
		if len(line) > maxLine+len("\r\n") {
			return true
		}
	}
	return false
}

// fold folds the fields with long lines where they have spaces.
func (m *message) fold() {
	for i, f := range m.fields {
		if name, value, ok := bytes.Cut([]byte(f.raw), []byte(":")); ok && hasLongLine([]byte(f.raw)) {
			m.fields[i].raw = fold(string(name), string(value))
		}
	}
}

// shorten encodes a body with long lines, text so that it stays readable.
func (m *message) shorten(raw []byte) {
	p := m.part
	switch {
	case !hasLongLine(m.body) || p.Message != nil || !p.WellEncoded(raw):
	case p.Type == "text" && p.Encoding != "base64":
		m.encode(lf(string(p.Decode(raw, 0))), "quoted-printable")
		m.mime()
		m.set("Content-Transfer-Encoding", "quoted-printable")
	default:
		m.body = Base64(p.Decode(raw, 0))
		m.mime()
		m.set("Content-Transfer-Encoding", "base64")
	}
}
