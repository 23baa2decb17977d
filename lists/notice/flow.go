package notice

import (
	"strings"
	"unicode/utf8"
)

// width of a line in characters.
const width = 74

// flow breaks long lines so that a program that knows format=flowed joins them again (RFC 3676). A line that begins with > is a quote, and so
// is each line that it is broken into.
func flow(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		rest := strings.TrimLeft(line, ">")
		quote := line[:len(line)-len(rest)]
		if quote != "" && rest != "" {
			rest, quote = strings.TrimPrefix(rest, " "), quote+" "
		}
		for {
			piece := rest
			if at := breakAt(rest, width-len(quote)); at > 0 {
				piece = rest[:at]
			}
			rest = rest[len(piece):]
			if quote == "" && (strings.HasPrefix(piece, " ") || strings.HasPrefix(piece, ">") || strings.HasPrefix(piece, "From ")) {
				piece = " " + piece // stuffed, RFC 3676 section 4.4
			}
			out = append(out, quote+piece)
			if rest == "" {
				break
			}
		}
	}
	return strings.Join(out, "\n")
}

// breakAt is how many bytes of a line stand before a break: up to the last space within so many characters, else up to the first behind
// them, with that space. 0: the line stays whole.
func breakAt(line string, most int) int {
	if utf8.RuneCountInString(line) <= most {
		return 0
	}
	at, n := 0, 0
	for i, r := range line {
		if n++; r == ' ' && strings.TrimLeft(line[:i], " ") != "" {
			at = i + 1
		}
		if n >= most && at > 0 {
			return at
		}
	}
	return at
}
