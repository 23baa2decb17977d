package digest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Entry is one post of a digest: its description and its bytes as distributed (CRLF).
type Entry struct {
	store.Post
	Raw []byte
}

// Issue is what one digest is made of. Its methods write whole messages with CRLF, always the same ones from the same issue.
type Issue struct {
	List      store.List
	Number    int       // of the issue
	Date      time.Time // of the issue, in the list's time zone
	Head      []byte    // whole header fields with CRLF that every mail of the list carries (List-Id …)
	From, To  string    // header values, ready (encoded)
	Request   string    // address for commands, e.g. heplink-request@lists.example.org
	MessageID string    // with angle brackets
	Entries   []Entry   // in posting order

	// Say gives a phrase of the list's language, UTF-8 with LF: digest.subject and the others of lists/notice/text/en.txt.
	Say func(key string, values map[string]string) string
}

// lineLimit of RFC 5322 section 2.1.1, without the line end.
const lineLimit = 998

// MIME is the digest of RFC 2046 section 5.1.5: the table of contents, then every post as it was, so that each charset and attachment comes
// through and each post can be answered by itself. Only what cannot travel in any mail is changed, see portable.
func (i Issue) MIME() []byte {
	front := plainPart(i.say("digest.intro") + "\n\n" + i.contents())
	posts, eight := make([][]byte, len(i.Entries)), false
	for n, e := range i.Entries {
		posts[n] = portable(e.Raw)
		eight = eight || !sevenBit(posts[n])
	}
	outer, inner := boundaries(append(posts[:len(posts):len(posts)], front))
	b := i.header("digest.subject")
	multipart := func(subtype, boundary string, eight bool) {
		fmt.Fprintf(b, "Content-Type: multipart/%s; boundary=\"%s\"\r\n", subtype, boundary)
		declare(b, eight)
		b.WriteString("\r\n")
	}
	multipart("mixed", outer, eight)
	b.WriteString("--" + outer + "\r\n")
	b.Write(front)
	if len(posts) > 0 { // a multipart without parts is none
		b.WriteString("\r\n--" + outer + "\r\n")
		multipart("digest", inner, eight)
		for n, p := range posts {
			if n > 0 {
				b.WriteString("\r\n")
			}
			// The type is the default here, but some programs do not know that.
			b.WriteString("--" + inner + "\r\nContent-Type: message/rfc822\r\n")
			declare(b, !sevenBit(p))
			b.WriteString("\r\n")
			b.Write(p)
		}
		b.WriteString("\r\n--" + inner + "--\r\n")
	}
	b.WriteString("\r\n--" + outer + "--\r\n")
	return b.Bytes()
}

// declare says that a part has 8-bit bytes; what holds such a part must say so too (RFC 2045 section 6.4).
func declare(b *bytes.Buffer, eight bool) {
	if eight {
		b.WriteString("Content-Transfer-Encoding: 8bit\r\n")
	}
}

// boundaries are the same each time for the same parts, and found in none of them.
func boundaries(parts [][]byte) (outer, inner string) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d ", len(p))
		h.Write(p)
	}
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(h.Sum(nil), "%d", n))
		outer, inner = fmt.Sprintf("=_sangam_%x", sum[:12]), fmt.Sprintf("=_sangam_%x", sum[16:28])
		taken := func(p []byte) bool { return bytes.Contains(p, []byte(outer)) || bytes.Contains(p, []byte(inner)) }
		if outer != inner && !slices.ContainsFunc(parts, taken) {
			return outer, inner
		}
	}
}

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

// header of the digest up to the fields of its content.
func (i Issue) header(subject string) *bytes.Buffer {
	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			b.WriteString(post.Field(name, value))
		}
	}
	field("From", i.From)
	field("To", i.To)
	field("Subject", encoded(oneLine(i.say(subject))))
	field("Date", i.Date.Format(time.RFC1123Z))
	field("Message-ID", i.MessageID)
	for line := range bytes.Lines(archive.CRLF(i.Head)) {
		if len(bytes.TrimSpace(line)) > 0 { // an empty one would end the header
			b.Write(line)
		}
	}
	field("MIME-Version", "1.0")
	return &b
}

// say fills in a phrase. Neither it nor what is filled in has control characters, but for the line ends of the phrase.
func (i Issue) say(key string) string {
	title := i.List.Title
	if title == "" {
		title = i.List.Name
	}
	values := map[string]string{"title": oneLine(title), "list": string(i.List.Address()), "request": oneLine(i.Request),
		"issue": fmt.Sprint(i.Number), "date": i.Date.Format(time.DateOnly), "count": fmt.Sprint(len(i.Entries)), "first": "", "last": ""}
	if n := len(i.Entries); n > 0 {
		values["first"], values["last"] = fmt.Sprint(i.Entries[0].Number), fmt.Sprint(i.Entries[n-1].Number)
	}
	lines := strings.Split(strings.ReplaceAll(i.Say(key, values), "\r\n", "\n"), "\n")
	for n, line := range lines {
		lines[n] = strings.TrimRight(strings.Map(noControl, strings.ToValidUTF8(line, "\uFFFD")), " ")
	}
	return strings.Join(lines, "\n")
}

// oneLine has single blanks and no control characters.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(noControl, strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

func noControl(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Sizes in bytes that keep the lines of a Subject field within the 78 of RFC 5322 section 2.1.1.
const (
	longestWord  = 66 // that stays as it is
	encodedBytes = 39 // in one encoded word, RFC 2047 section 2
)

// encoded is a line for an unstructured field: as it is, or as encoded words, which never divide a character (RFC 2047 section 5).
func encoded(s string) string {
	plain := func(w string) bool { return sevenBit([]byte(w)) && len(w) <= longestWord && !strings.Contains(w, "=?") }
	if !slices.ContainsFunc(strings.Fields(s), func(w string) bool { return !plain(w) }) {
		return s
	}
	var words []string
	for s != "" {
		n := min(encodedBytes, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// plainPart is a text with LF as a part with its header: as it is when it is ASCII with lines that may be sent, else quoted-printable.
func plainPart(text string) []byte {
	body := []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	var b bytes.Buffer
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\n")
	if clean, long := inspect(body); clean && !long && sevenBit(body) {
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n")
		b.Write(body)
		return b.Bytes()
	}
	b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	w.Write(body) // writing to a buffer does not fail
	w.Close()
	return b.Bytes()
}

func sevenBit(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= utf8.RuneSelf })
}
