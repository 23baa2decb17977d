package post

import (
	"bytes"
	"mime/quotedprintable"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pieces of the mail that we write ourselves.

// Field writes one header field: folded, with CRLF, its value without any line end.
func Field(name, value string) string { return fold(name, value) }

// Words writes text for an unstructured header field such as Subject: as it is, or with encoded words.
func Words(s string) string { return encodeWords(Line(s), none) }

// Line is text from outside as one line of valid UTF-8 with single blanks and no control characters.
func Line(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

// TextPart is a text in UTF-8 with LF as a part with its header, in the encoding that is smallest for its script. What is wanted of its type
// besides the charset, as "; format=flowed", is said by params.
func TextPart(text, params string) []byte {
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	var b bytes.Buffer
	b.WriteString("Content-Type: text/plain; charset=utf-8" + params + "\r\nContent-Transfer-Encoding: ")
	high := 0
	for i := range len(crlf) {
		if crlf[i] >= utf8.RuneSelf {
			high++
		}
	}
	switch {
	case high > len(crlf)/5:
		b.WriteString("base64\r\n\r\n")
		b.Write(Base64([]byte(crlf)))
	case high == 0 && plainLines(text):
		b.WriteString("7bit\r\n\r\n" + crlf)
	default:
		b.WriteString("quoted-printable\r\n\r\n")
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte(crlf)) // writing to a buffer does not fail
		w.Close()
	}
	return b.Bytes()
}

// ASCII tells whether text may travel without 8BITMIME.
func ASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
