package post

import (
	"bytes"
	"encoding/base64"
	"maps"
	"mime"
	"mime/quotedprintable"
	"strings"
)

// maxLine of RFC 5322 section 2.1.1 without its line end.
const maxLine = 998

// encode sets the body from text with LF. The transfer encoding stays, unless it cannot carry the text: then it is
// quoted-printable.
func (m *message) encode(text, was string) {
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	if !strings.HasSuffix(crlf, "\r\n") {
		crlf += "\r\n"
	}
	encoding := "quoted-printable"
	switch {
	case was == "base64":
		encoding, m.body = was, Base64([]byte(crlf))
	case (was == "8bit" || ASCII(text) && was != "quoted-printable") && plainLines(text):
		m.body = []byte(crlf)
		if encoding = "7bit"; was == "8bit" {
			encoding = was
		}
	default:
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte(crlf))
		w.Close()
		m.body = b.Bytes()
	}
	if encoding != was {
		m.mime()
		m.set("Content-Transfer-Encoding", encoding)
	}
}

// mime makes the fields that follow mean something (RFC 2045 section 4). Parts of a multipart need none.
func (m *message) mime() {
	if m.part != nil && m.part.Start == 0 && !m.has("mime-version") {
		m.set("MIME-Version", "1.0")
	}
}

// plainLines tells whether text with LF can travel without encoding.
func plainLines(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > maxLine {
			return false
		}
	}
	return !strings.ContainsAny(text, "\r\x00")
}

// Base64 is the encoding of RFC 2045 section 6.8, in lines of 76 characters with CRLF.
func Base64(b []byte) []byte {
	encoded := base64.StdEncoding.EncodeToString(b)
	var out bytes.Buffer
	for len(encoded) > 0 {
		n := min(76, len(encoded))
		out.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	return out.Bytes()
}

func (m *message) setCharset(charset string) {
	params := maps.Clone(m.part.Params)
	if params == nil {
		params = map[string]string{}
	}
	params["charset"] = charset
	value := mime.FormatMediaType(m.part.MediaType(), params)
	if value == "" { // a parameter of an impossible name
		value = mime.FormatMediaType(m.part.MediaType(), map[string]string{"charset": charset})
	}
	m.mime()
	m.set("Content-Type", value)
}
