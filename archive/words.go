package archive

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord is how far the end of an encoded word is looked for. RFC 2047 allows 75 characters; some programs never split.
const maxWord = 4096

// word is an encoded word of RFC 2047, taken apart but not decoded.
type word struct {
	charset string
	base64  bool
	text    string
}

// decodeWords makes one line of readable text of an unfolded field value: encoded words, also the broken ones of real mail (blanks within,
// a character split over two words, no end), and raw 8-bit bytes in UTF-8, the given charset or what they look like.
func decodeWords(s, charset string) string {
	if !strings.Contains(s, "=?") {
		return cleanLine(decodeRaw(s, charset))
	}
	var b strings.Builder
	var run []word // adjacent words of one charset and encoding: characters may be split between them
	flush := func() {
		if len(run) > 0 {
			b.WriteString(decodeRun(run))
			run = run[:0]
		}
	}
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		w, rest, ok := cutWord(s[i:])
		if !ok {
			flush()
			b.WriteString(decodeRaw(s[:i+2], charset))
			s = s[i+2:]
			continue
		}
		if gap := s[:i]; len(run) == 0 || strings.TrimSpace(gap) != "" {
			flush()
			b.WriteString(decodeRaw(gap, charset))
		}
		if len(run) > 0 && (run[0].charset != w.charset || run[0].base64 != w.base64) {
			flush()
		}
		run = append(run, w)
		s = rest
	}
	flush()
	b.WriteString(decodeRaw(s, charset))
	return cleanLine(b.String())
}

// cutWord takes the encoded word at the start of s off. One without its end goes up to the next word or the end.
func cutWord(s string) (w word, rest string, ok bool) {
	body := s[2:]
	i := strings.IndexByte(body[:min(len(body), 64)], '?')
	if i < 1 || i+2 >= len(body) || body[i+2] != '?' || !isToken(body[:i]) {
		return w, "", false
	}
	w.charset, _, _ = strings.Cut(strings.ToLower(body[:i]), "*") // RFC 2231 section 5: a language may follow
	switch body[i+1] {
	case 'b', 'B':
		w.base64 = true
	case 'q', 'Q':
	default:
		return w, "", false
	}
	text := body[i+3:]
	limit := text[:min(len(text), maxWord)]
	end := strings.Index(limit, "?=")
	if end < 0 {
		end = len(limit)
	}
	if k := strings.Index(limit[:end], " =?"); k >= 0 {
		w.text = strings.TrimRight(text[:k], "?")
		return w, text[k:], true
	}
	if end == len(limit) {
		w.text = strings.TrimRight(limit, "?")
		return w, text[end:], true
	}
	w.text = text[:end]
	return w, text[end+2:], true
}

// decodeRun decodes adjacent words of one charset together.
func decodeRun(run []word) string {
	var raw []byte
	if !run[0].base64 {
		for _, w := range run {
			raw = appendQ(raw, w.text)
		}
	} else {
		var text strings.Builder
		for _, w := range run {
			text.WriteString(w.text)
			if strings.HasSuffix(w.text, "=") || text.Len()%4 == 0 {
				raw = append(raw, decodeBase64([]byte(text.String()), 0)...)
				text.Reset()
			}
		}
		raw = append(raw, decodeBase64([]byte(text.String()), 0)...)
	}
	return decodeCharset(raw, run[0].charset)
}

func appendQ(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			b = append(b, ' ')
		case s[i] == '=' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return b
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c - 'A' + 10)
	case c >= 'a' && c <= 'f':
		return int(c - 'a' + 10)
	}
	return -1
}

// decodeRaw is for bytes that stand in a header without any encoding.
func decodeRaw(s, charset string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	return decodeCharset([]byte(s), charset)
}

// cleanLine makes one line: blanks for line breaks and tabs, nothing for other control characters.
func cleanLine(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f
	}
	if clean {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
