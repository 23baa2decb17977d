package digest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
)

// Lines of RFC 1153 that end the preamble and each post.
var (
	preambleEnd = strings.Repeat("-", 70)
	postEnd     = strings.Repeat("-", 30)
)

// text is the digest of RFC 1153: one text of all posts, in UTF-8. Programs can take it apart again.
func (i issue) text() []byte {
	var t strings.Builder
	t.WriteString(escape(i.say("digest.intro")+"\n\n"+i.contents()) + "\n" + preambleEnd + "\n\n")
	for _, e := range i.entries {
		t.WriteString(i.post(e) + "\n" + postEnd + "\n\n")
	}
	end := post.Line(i.say("digest.end"))
	t.WriteString(end + "\n" + strings.Repeat("*", columns(end)) + "\n")
	b := i.header("digest.subject", true)
	b.Write(post.TextPart(t.String(), ""))
	return b.Bytes()
}

// retained are the fields that RFC 1153 keeps, in its order.
var retained = []string{"Date", "From", "To", "Cc", "Subject", "Message-ID", "Keywords"}

// post with its main fields, decoded, and its attachments by name and, where there is an archive, address. It ends in a line end.
func (i issue) post(e entry) string {
	h := archive.ParseHeader(e.raw)
	var b strings.Builder
	for _, name := range retained {
		if v := post.Line(h.Text(name)); v != "" {
			b.WriteString(wrap(name+": "+v) + "\n")
		}
	}
	body := archive.Read(e.raw)
	text := body.Text
	if body.Flowed {
		text = archive.Unflow(text, body.DelSp)
	}
	if text = trimLines(text); text != "" {
		b.WriteString("\n" + escape(text) + "\n")
	}
	for n, a := range body.Attachments {
		if n == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "[%s, %s, %d KB]\n", post.Line(a.Filename), post.Line(a.Type), max(1, (a.Size+999)/1000))
		if i.archived(e) {
			fmt.Fprintf(&b, "<%s>\n", i.link(e, a))
		}
	}
	return b.String()
}

// trimLines takes blank lines away from both ends.
func trimLines(text string) string {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	for {
		line, rest, found := strings.Cut(text, "\n")
		if !found || strings.TrimSpace(line) != "" {
			return text
		}
		text = rest
	}
}

// escape puts a blank before each line that would be read as the end of a post (RFC 1153 replaces its first hyphen; so nothing is lost).
func escape(text string) string {
	lines := strings.Split(text, "\n")
	for n, line := range lines {
		if strings.HasPrefix(line, postEnd) {
			lines[n] = " " + line
		}
	}
	return strings.Join(lines, "\n")
}

// width of a field's line in characters, RFC 5322 section 2.1.1.
const width = 78

// wrap puts a field on several lines where it is long; those behind the first are indented, as continuation lines are.
func wrap(field string) string {
	var b strings.Builder
	length := 0
	for word := range strings.FieldsSeq(field) {
		n := utf8.RuneCountInString(word)
		switch {
		case length == 0:
		case length+1+n > width:
			b.WriteString("\n    ")
			length = 4
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += n
	}
	return b.String()
}
