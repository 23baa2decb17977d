package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord bounds a word in the index, in bytes; what is longer is cut.
const maxWord = 60

// fold makes one word comparable: case, forms of the same letter (Unicode NFKC), accents of Latin, Greek and Cyrillic letters, vowel signs of
// Arabic and Hebrew, digits of every script, and what writers of a language spell in several ways.
func fold(word string) string {
	if isASCII(word) {
		return cut(strings.ToLower(word))
	}
	var b strings.Builder
	b.Grow(len(word))
	rs := []rune(norm.NFKD.String(strings.ToLower(word)))
	base := rune(0)
	for i, r := range rs {
		if unicode.IsMark(r) {
			if !dropsMark(base, r) {
				b.WriteRune(sign(r))
			}
			continue
		}
		base = r
		switch {
		case !isLetter(r):
		case nasalBefore(rs, i):
			b.WriteRune('ं')
			rs[i+1] = 0 // the virama
		case unicode.IsDigit(r):
			b.WriteRune(digit(r))
		default:
			if s, ok := alike[r]; ok {
				b.WriteString(s)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return cut(norm.NFC.String(b.String()))
}

// isLetter is what words are made of: letters, digits and marks.
func isLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func cut(s string) string {
	if len(s) <= maxWord {
		return s
	}
	return strings.ToValidUTF8(s[:maxWord], "")
}

// dropsMark tells whether readers take a letter without this mark for the same.
func dropsMark(base, mark rune) bool {
	switch {
	case base == 0:
		return mark < 0x370
	case base < 0x250, unicode.In(base, unicode.Latin, unicode.Greek):
		return true
	case unicode.Is(unicode.Cyrillic, base):
		return !(mark == 0x306 || mark == 0x308 && base == 'і') // й, ў and ї are letters of their own
	case unicode.In(base, unicode.Arabic, unicode.Hebrew):
		return true
	}
	return mark == 0x93C || mark == 0xA3C // nukta of Devanagari and Gurmukhi
}

// sign is a mark as it is indexed.
func sign(r rune) rune {
	switch r {
	case 0x901: // candrabindu
		return 0x902
	case 0xA81:
		return 0xA82
	}
	return r
}

// nasalBefore finds a nasal consonant that Devanagari also writes as a dot above: हिन्दी and हिंदी.
func nasalBefore(rs []rune, i int) bool {
	switch rs[i] {
	case 'ङ', 'ञ', 'ण', 'न', 'म':
		return i+2 < len(rs) && rs[i+1] == 0x94D && rs[i+2] >= 'क' && rs[i+2] <= 'ह' && rs[i+2] != rs[i]
	}
	return false
}

// digit of any script as that of ASCII: the tens of a script stand together.
func digit(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	for zero := r; ; zero-- {
		if r-zero == 9 || !unicode.IsDigit(zero-1) {
			return '0' + r - zero
		}
	}
}

// alike are letters that many write for another.
var alike = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'ı': "i", 'þ': "th", 'ħ': "h", 'ς': "σ",
	'ى': "ي", 'ی': "ي", 'ے': "ي", 'ې': "ي", 'ک': "ك", 'ہ': "ه", 'ھ': "ه", 'ە': "ه", 'ة': "ه", 'ۃ': "ه", 'ۀ': "ه", 'ٱ': "ا", 'ں': "ن", 'ـ': "",
	'ৎ': "ত্",
}
