package post

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Phrase writes display text for a header field: as it is, quoted, or as encoded words.
func Phrase(s string) string {
	s = Line(s)
	special := func(r rune) bool {
		return r != ' ' && (r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r))
	}
	switch {
	case !ASCII(s) || strings.Contains(s, "=?"):
		return encodeWords(s, special) // nothing may be quoted beside encoded words
	case strings.ContainsFunc(s, special):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

func mailbox(name, address string) string {
	if name == "" {
		return address
	}
	return Phrase(name) + " <" + address + ">"
}

// maxWord is the length from which a word is encoded, so that its line can be folded.
const maxWord = 900

// none of the characters is special in an unstructured field.
func none(rune) bool { return false }

// encodeWords writes text with encoded words (RFC 2047) where it needs them: a run of words that are not ASCII, have a special character, or read
// as encoded already, together with the spaces between them. The others stay readable for all.
func encodeWords(s string, special func(rune) bool) string {
	words := strings.Split(s, " ")
	needs := func(w string) bool {
		return !ASCII(w) || strings.Contains(w, "=?") || len(w) > maxWord || strings.ContainsFunc(w, special)
	}
	var out []string
	for i := 0; i < len(words); {
		if !needs(words[i]) {
			out = append(out, words[i])
			i++
			continue
		}
		end := i + 1
		for k := end; k < len(words) && (words[k] == "" || needs(words[k])); k++ {
			if words[k] != "" {
				end = k + 1
			}
		}
		out = append(out, encodedWords(strings.Join(words[i:end], " ")))
		i = end
	}
	return strings.Join(out, " ")
}

// encodedChunk keeps a line with one encoded word and the name of a short field within 76 bytes.
const encodedChunk = 39

func encodedWords(s string) string {
	var out []string
	for len(s) > 0 {
		n := min(encodedChunk, len(s))
		for n < len(s) && n > 1 && !utf8.RuneStart(s[n]) {
			n--
		}
		out = append(out, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(out, " ")
}
