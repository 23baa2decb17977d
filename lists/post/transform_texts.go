package post

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
)

// addTexts adds the list's header and footer to the text and HTML that readers see. A message that is signed or encrypted
// keeps its body; one without text is wrapped in a multipart/mixed with the texts beside it.
func addTexts(c context, m *message) {
	t := newTexts(c.List.Header, c.List.Footer)
	if t == (texts{}) || sealed(m.part) {
		return
	}
	leaves := textLeaves(m.part)
	if len(leaves) == 0 {
		t.wrap(m)
		return
	}
	var out bytes.Buffer
	at := m.part.BodyStart
	for _, leaf := range leaves { // in the order of the message
		part := m
		if leaf != m.part {
			part = split(c.Raw, leaf)
		}
		if !t.add(c.Raw, part) {
			return // no part changes, for m has not been touched yet
		}
		if leaf == m.part {
			return
		}
		out.Write(c.Raw[at:leaf.Start])
		out.Write(part.bytes())
		at = leaf.End
	}
	out.Write(c.Raw[at:])
	m.body = out.Bytes()
}

// texts of a list, with LF.
type texts struct{ header, footer string }

func newTexts(header, footer string) texts {
	return texts{strings.TrimSpace(lf(header)), strings.TrimRight(lf(footer), "\n ")}
}

func lf(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// sealed tells whether a change of the body would break a signature or an encryption (RFC 1847, RFC 3156, RFC 8551).
func sealed(p *archive.Part) bool {
	switch p.MediaType() {
	case "multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted",
		"application/pgp":
		return true
	}
	return strings.HasSuffix(strings.ToLower(p.Filename()), ".p7m") || slices.ContainsFunc(p.Parts, sealed)
}

// textLeaves are the parts that readers see first: one text, or the alternatives of it.
func textLeaves(p *archive.Part) []*archive.Part {
	switch {
	case len(p.Parts) == 0:
		if p.Message == nil && p.Type == "text" && (p.Subtype == "plain" || p.Subtype == "html") && p.Disposition != "attachment" {
			return []*archive.Part{p}
		}
	case p.Subtype == "alternative":
		var all []*archive.Part
		for _, sub := range p.Parts {
			all = append(all, textLeaves(sub)...)
		}
		return all
	default:
		for _, sub := range p.Parts {
			if found := textLeaves(sub); found != nil {
				return found
			}
		}
	}
	return nil
}

// add changes a text part. The bytes of its text stay where the texts can be written in its charset; else all is UTF-8. It
// returns false, and changes nothing, when the text holds OpenPGP armour or is not encoded as it says.
func (t texts) add(raw []byte, m *message) bool { return t.addWith(raw, m, nil) }

// addWith is add, and changes the HTML besides; nil changes nothing.
func (t texts) addWith(raw []byte, m *message, change *strings.Replacer) bool {
	p := m.part
	if !p.WellEncoded(raw) {
		return false
	}
	text, charset := string(p.Decode(raw, 0)), p.Params["charset"]
	if strings.Contains(text, "-----BEGIN PGP") {
		return false
	}
	markup := p.Subtype == "html"
	if markup {
		t = texts{block(t.header), block(t.footer)}
	}
	if !t.writable(text, charset, markup) {
		text = p.DecodeText(raw, 0)
		m.setCharset("utf-8")
	} else if markup && !isUTF8(charset) {
		t = texts{entities(t.header), entities(t.footer)}
	}
	text = lf(text)
	if markup && change != nil {
		text = change.Replace(text)
	}
	if markup {
		text = t.addHTML(text)
	} else {
		text = t.addPlain(text, strings.EqualFold(p.Params["format"], "flowed"))
	}
	m.encode(text, p.Encoding)
	return true
}

// writable tells whether the texts can stand as they are beside a text of this charset.
func (t texts) writable(text, charset string, markup bool) bool {
	switch {
	case !extendsASCII(charset):
		return false
	case ASCII(t.header + t.footer):
		return true
	case isUTF8(charset):
		return utf8.ValidString(text)
	}
	return markup // by entities
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// extendsASCII is false for charsets in which the bytes of ASCII mean something else, or may.
func extendsASCII(charset string) bool {
	charset = strings.ToLower(charset)
	return !slices.ContainsFunc([]string{"utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646", "utf-7", "unicode-1-1", "iso-2022", "csiso2022",
		"hz-gb", "ibm0", "ebcdic", "cp037"}, func(prefix string) bool { return strings.HasPrefix(charset, prefix) })
}

func (t texts) addPlain(text string, flowed bool) string {
	if flowed {
		t = texts{stuff(t.header), stuff(t.footer)}
	}
	if t.header != "" {
		text = t.header + "\n\n" + text
	}
	if t.footer != "" {
		text = strings.TrimRight(text, "\n")
		if flowed { // a space at the end of a line would join the footer to it
			text = strings.TrimRight(text, " ")
		}
		text += "\n\n" + t.footer
	}
	return text
}

// stuff writes lines that format=flowed keeps apart (RFC 3676 sections 4.2 to 4.4).
func stuff(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if line != "-- " {
			line = strings.TrimRight(line, " ")
		}
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ") {
			line = " " + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// block is a text as HTML in the direction that its letters ask for.
func block(s string) string {
	if s == "" {
		return ""
	}
	return `<div dir="auto">` + strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n") + "</div>\n"
}

// entities writes HTML so that it reads the same in every charset.
func entities(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

func (t texts) addHTML(page string) string {
	lower := asciiLower(page)
	if t.footer != "" {
		at := len(page)
		for _, tag := range []string{"</body", "</html"} {
			if i := strings.LastIndex(lower, tag); i >= 0 {
				at = i
				break
			}
		}
		page = page[:at] + "<hr>\n" + t.footer + page[at:]
	}
	if t.header != "" {
		at := 0
		if i := strings.Index(lower, "<body"); i >= 0 {
			if end := strings.IndexByte(lower[i:], '>'); end >= 0 {
				at = i + end + 1
			}
		}
		page = page[:at] + t.header + "<hr>\n" + page[at:]
	}
	return page
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

// wrap puts a message without text into a multipart/mixed between the texts.
func (t texts) wrap(m *message) {
	inner := &message{body: m.body}
	for _, f := range m.fields {
		if strings.HasPrefix(f.name, "content-") {
			inner.fields = append(inner.fields, f)
		}
	}
	m.remove(func(name string) bool { return strings.HasPrefix(name, "content-") || name == "mime-version" })
	boundary := fmt.Sprintf("=_sangam_%x", sha256.Sum256(m.body))[:40] // the same each time it is made, found nowhere in it
	m.set("MIME-Version", "1.0")
	m.set("Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	if !ASCII(m.body) {
		m.set("Content-Transfer-Encoding", "8bit")
	}
	var out bytes.Buffer
	part := func(bytes []byte) { out.WriteString("\r\n--" + boundary + "\r\n"); out.Write(bytes) }
	text := func(s string) {
		if s == "" {
			return
		}
		beside := &message{}
		beside.set("Content-Type", "text/plain; charset=utf-8")
		beside.set("Content-Disposition", "inline")
		beside.encode(s, "")
		part(beside.bytes())
	}
	text(t.header)
	part(inner.bytes())
	text(t.footer)
	out.WriteString("\r\n--" + boundary + "--\r\n")
	m.body = out.Bytes()
}
