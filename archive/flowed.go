package archive

import "strings"

// Unflow joins the lines of a format=flowed text (RFC 3676) to paragraphs, each on one line. Quote marks stay at the start of a line, a
// paragraph never runs from one quote depth into another, the signature's "-- " stays a line, and space-stuffing is undone.
func Unflow(text string, delSp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	open, depth := false, 0 // an open paragraph waits for its next line
	for text != "" {
		line, rest, found := strings.Cut(text, "\n")
		text = rest
		d := 0
		for d < len(line) && line[d] == '>' {
			d++
		}
		quote := line[:d]
		line = strings.TrimPrefix(line[d:], " ")
		signature := line == "-- "
		if open && (d != depth || signature) {
			out.WriteByte('\n')
			open = false
		}
		if !open {
			out.WriteString(quote)
			if d > 0 && line != "" {
				out.WriteByte(' ')
			}
		}
		open, depth = strings.HasSuffix(line, " ") && !signature, d
		if open && delSp {
			line = line[:len(line)-1]
		}
		out.WriteString(line)
		if !open && found {
			out.WriteByte('\n')
		}
	}
	if open {
		out.WriteByte('\n')
	}
	return out.String()
}
