package deliver

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
)

// sevenBit is a message without bytes over 127 in its bodies (RFC 6152 section 3): text in quoted-printable, the rest in base64. Parts that
// have none keep their bytes, and so do headers, for which there is no such form.
func sevenBit(raw []byte) []byte {
	root := archive.Parse(raw)
	var out bytes.Buffer
	out.Grow(len(raw) + len(raw)/2)
	writeSevenBit(&out, raw, root)
	return out.Bytes()
}

func writeSevenBit(out *bytes.Buffer, raw []byte, p *archive.Part) {
	body := raw[p.BodyStart:p.End]
	if !eightBit(body) {
		out.Write(raw[p.Start:p.End])
		return
	}
	children := p.Parts
	if p.Message != nil {
		children = []*archive.Part{p.Message}
	}
	if len(children) > 0 {
		writeEncoding(out, raw[p.Start:p.BodyStart], "7bit", false)
		at := p.BodyStart
		for _, child := range children {
			writePlain(out, raw[at:child.Start])
			writeSevenBit(out, raw, child)
			at = child.End
		}
		writePlain(out, raw[at:p.End])
		return
	}
	body = p.Decode(raw, 0) // the bytes over 127 may stand in what is encoded already
	if p.Type == "text" && bytes.Count(body, []byte("\r\n")) == max(bytes.Count(body, []byte("\r")), bytes.Count(body, []byte("\n"))) {
		writeEncoding(out, raw[p.Start:p.BodyStart], "quoted-printable", p.Start == 0)
		w := quotedprintable.NewWriter(out)
		w.Write(body)
		w.Close()
		return
	}
	writeEncoding(out, raw[p.Start:p.BodyStart], "base64", p.Start == 0)
	encoded := base64.StdEncoding.EncodeToString(body)
	for len(encoded) > 0 {
		n := min(76, len(encoded))
		out.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
}

// writeEncoding writes a header with another Content-Transfer-Encoding.
func writeEncoding(out *bytes.Buffer, header []byte, encoding string, message bool) {
	dropping, mime := false, false
	for line := range bytes.Lines(header) {
		if bytes.Equal(line, []byte("\r\n")) {
			break
		}
		if name, _, field := bytes.Cut(line, []byte(":")); field && line[0] != ' ' && line[0] != '\t' { // what is none belongs to the one above
			dropping = strings.EqualFold(string(bytes.TrimSpace(name)), "Content-Transfer-Encoding")
			mime = mime || strings.EqualFold(string(bytes.TrimSpace(name)), "MIME-Version")
		}
		if !dropping {
			out.Write(line)
		}
	}
	if message && !mime {
		out.WriteString("MIME-Version: 1.0\r\n")
	}
	out.WriteString("Content-Transfer-Encoding: " + encoding + "\r\n\r\n")
}

// writePlain writes what no reader shows: before, between and behind the parts of a multipart.
func writePlain(out *bytes.Buffer, b []byte) {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			c = '?'
		}
		out.WriteByte(c)
	}
}

func eightBit(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}
