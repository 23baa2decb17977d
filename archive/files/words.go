package files

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold makes names comparable: case, accents of Latin, Greek and Cyrillic letters, forms of the same letter (Unicode NFKC), and blanks.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var base rune
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if unicode.Is(unicode.Mn, r) && (base < 0x250 || base >= 0x370 && base < 0x530) {
			continue
		}
		base = r
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(norm.NFC.String(b.String())), " ")
}

// maxWords of a question that are looked at.
const maxWords = 20

// Words of a question for a file: each must be a part of its name or title.
func Words(question string) []string {
	words := strings.Fields(hidden.ReplaceAllString(Fold(question[:min(len(question), 500)]), "$1@"))
	return words[:min(len(words), maxWords)]
}
