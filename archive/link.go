package archive

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var link = regexp.MustCompile(`https?://[^\s<>"'\x60{}|\\^]+`)

// Links finds the web addresses of a text: where each begins and ends.
func Links(text string) [][]int {
	if !strings.Contains(text, "://") {
		return nil
	}
	found := link.FindAllStringIndex(text, -1)
	for _, at := range found {
		at[1] = at[0] + linkEnd(text[at[0]:at[1]])
	}
	return found
}

// linkEnd is where a web address ends: not with the punctuation of the sentence, and with a bracket only when that was opened in it.
func linkEnd(s string) int {
	for {
		last, n := utf8.DecodeLastRuneInString(s)
		switch {
		case strings.ContainsRune(".,;:!?]»”’…،۔।", last):
		case last == ')' && strings.Count(s, "(") < strings.Count(s, ")"):
		default:
			return len(s)
		}
		s = s[:len(s)-n]
	}
}
