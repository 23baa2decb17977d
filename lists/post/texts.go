package post

import (
	"bytes"
	"encoding/base64"
	"html"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"

	"wesouthasians.org/sangam/archive"
)

// edit replaces raw[start:end].
type edit struct {
	start, end int
	with       []byte
}

// addTexts adds the list's header and footer to the text and HTML that readers see. A message that is signed or encrypted
// keeps its bytes; one without text is wrapped in a multipart/mixed with the texts beside it.
func addTexts(raw []byte, header, footer string) []byte {
	header, footer = strings.TrimSpace(lf(header)), strings.TrimRight(lf(footer), "\n ")
	if header == "" && footer == "" {
		return raw
	}
	root := archive.Parse(raw)
	if sealed(root) {
		return raw
	}
	var edits []edit
	for _, leaf := range texts(root) {
		text := leaf.DecodeText(raw, 0)
		if strings.Contains(text, "-----BEGIN PGP") {
			return raw
		}
		edits = append(edits, edit{leaf.Start, leaf.End, rewritten(raw, leaf, text, header, footer)})
	}
	if len(edits) == 0 {
		return wrap(raw, root, header, footer)
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(raw[at:e.start])
		out.Write(e.with)
		at = e.end
	}
	out.Write(raw[at:])
	return out.Bytes()
}

func lf(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// sealed tells whether a change of the body would break a signature or an encryption (RFC 1847, RFC 8551).
func sealed(p *archive.Part) bool {
	switch p.MediaType() {
	case "multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted":
		return true
	}
	return slices.ContainsFunc(p.Parts, sealed)
}

// texts are the parts that readers see first: one text, or the alternatives of it.
func texts(p *archive.Part) []*archive.Part {
	switch {
	case len(p.Parts) == 0:
		if p.Message == nil && p.Type == "text" && (p.Subtype == "plain" || p.Subtype == "html") && p.Disposition != "attachment" {
			return []*archive.Part{p}
		}
	case p.Subtype == "alternative":
		var all []*archive.Part
		for _, sub := range p.Parts {
			all = append(all, texts(sub)...)
		}
		return all
	default:
		for _, sub := range p.Parts {
			if found := texts(sub); found != nil {
				return found
			}
		}
	}
	return nil
}

// rewritten is a text part with the texts, in UTF-8 where its charset may lack a letter, in an encoding that every host passes.
func rewritten(raw []byte, p *archive.Part, text, header, footer string) []byte {
	text = lf(text)
	if p.Subtype == "html" {
		text = addHTML(text, header, footer)
	} else {
		text = addPlain(text, header, footer, strings.EqualFold(p.Params["format"], "flowed"))
	}
	params := map[string]string{}
	for k, v := range p.Params {
		params[k] = v
	}
	if !isASCII(text) || !asciiCompatible(params["charset"]) {
		params["charset"] = "utf-8"
	}
	encoding, body := encodeText(text, p.Encoding)
	m := split(raw[p.Start:p.BodyStart], body)
	if p.Start == 0 && !m.has("mime-version") {
		m.set("MIME-Version", "1.0")
	}
	m.set("Content-Type", mediaType(p.MediaType(), params))
	if encoding != "7bit" || m.has("content-transfer-encoding") {
		m.set("Content-Transfer-Encoding", encoding)
	}
	return m.bytes()
}

func asciiCompatible(charset string) bool {
	charset = strings.ToLower(charset)
	return charset != "" && !strings.HasPrefix(charset, "utf-16") && !strings.HasPrefix(charset, "utf-32") && charset != "utf-7" &&
		!strings.HasPrefix(charset, "iso-2022") && charset != "hz-gb-2312"
}

func mediaType(name string, params map[string]string) string {
	if s := mime.FormatMediaType(name, params); s != "" {
		return s
	}
	return mime.FormatMediaType(name, map[string]string{"charset": params["charset"]})
}

func addPlain(text, header, footer string, flowed bool) string {
	if header != "" {
		text = header + "\n\n" + text
	}
	if footer != "" {
		text = strings.TrimRight(text, "\n")
		if flowed { // a space at the end of a line would join the footer to it; RFC 3676 section 4.3 excepts "-- "
			text = strings.TrimRight(text, " ")
		}
		text += "\n\n" + footer
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

func addHTML(text, header, footer string) string {
	block := func(s string) string {
		return `<div dir="auto">` + strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n") + "</div>\n"
	}
	lower := asciiLower(text)
	if footer != "" {
		at := len(text)
		for _, tag := range []string{"</body", "</html"} {
			if i := strings.LastIndex(lower, tag); i >= 0 {
				at = i
				break
			}
		}
		text = text[:at] + "<hr>\n" + block(footer) + text[at:]
	}
	if header != "" {
		at := 0
		if i := strings.Index(lower, "<body"); i >= 0 {
			if end := strings.IndexByte(lower[i:], '>'); end >= 0 {
				at = i + end + 1
			}
		}
		text = text[:at] + block(header) + "<hr>\n" + text[at:]
	}
	return text
}

// asciiLower keeps the length, which strings.ToLower may not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// maxLine of RFC 5322 section 2.1.1 without its line end.
const maxLine = 998

// encodeText keeps 8bit and base64 and takes quoted-printable where 7bit does not do.
func encodeText(text, was string) (encoding string, body []byte) {
	crlf := []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	long := slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return len(line) > maxLine })
	safe := !long && !strings.ContainsAny(text, "\r\x00")
	switch {
	case was == "base64":
		return "base64", wrapBase64(crlf)
	case was == "8bit" && safe:
		return "8bit", crlf
	case isASCII(text) && safe && was != "quoted-printable":
		return "7bit", crlf
	}
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write(crlf)
	w.Close()
	return "quoted-printable", b.Bytes()
}

func wrapBase64(b []byte) []byte {
	encoded := base64.StdEncoding.EncodeToString(b)
	var out bytes.Buffer
	for len(encoded) > 0 {
		n := min(76, len(encoded))
		out.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	return out.Bytes()
}

// wrap puts a message without text into a multipart/mixed between the texts.
func wrap(raw []byte, root *archive.Part, header, footer string) []byte {
	outer, inner := split(raw[root.Start:root.BodyStart], nil), &message{body: raw[root.BodyStart:root.End]}
	for _, f := range outer.fields {
		if strings.HasPrefix(f.name, "content-") {
			inner.fields = append(inner.fields, f)
		}
	}
	outer.remove(func(name string) bool { return strings.HasPrefix(name, "content-") || name == "mime-version" })
	b := boundary(raw)
	outer.set("MIME-Version", "1.0")
	outer.set("Content-Type", `multipart/mixed; boundary="`+b+`"`)
	part := func(out *bytes.Buffer, bytes []byte) { out.WriteString("\r\n--" + b + "\r\n"); out.Write(bytes) }
	text := func(out *bytes.Buffer, s string) {
		if s == "" {
			return
		}
		encoding, body := encodeText(s+"\n", "")
		m := &message{body: body}
		m.set("Content-Type", "text/plain; charset=utf-8")
		m.set("Content-Transfer-Encoding", encoding)
		m.set("Content-Disposition", "inline")
		part(out, m.bytes())
	}
	var out bytes.Buffer
	text(&out, header)
	part(&out, inner.bytes())
	text(&out, footer)
	out.WriteString("\r\n--" + b + "--\r\n")
	outer.body = out.Bytes()
	return outer.bytes()
}
