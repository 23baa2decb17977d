package auth

import (
	"slices"
	"strings"
)

// results of the methods, each as in Authentication-Results (RFC 8601 section 2.2).
type results struct{ all []string }

// Bounds of the field: a message may have any number of signatures.
const (
	maxResults = 20
	maxValue   = 200
)

func (r *results) add(result string) {
	if len(r.all) < maxResults {
		r.all = append(r.all, result)
	}
}

// field with CRLF, a result a line.
func (r *results) field(server string) string {
	if len(r.all) == 0 {
		return "Authentication-Results: " + server + "; none\r\n"
	}
	return "Authentication-Results: " + server + ";\r\n\t" + strings.Join(r.all, ";\r\n\t") + "\r\n"
}

// pvalue is a value that a client had a hand in: as it is, or quoted.
func pvalue(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '?'
		}
		return r
	}, s)
	s = s[:min(len(s), maxValue)]
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._+@=/", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// reason why a result is as it is.
func reason(text string) string {
	if text == "" {
		return ""
	}
	return ` reason="` + strings.Trim(strings.NewReplacer(`\`, "", `"`, "'", ";", ",").Replace(pvalue(text)), `"`) + `"`
}

// piece of a value: a comment or a quoted string, each with its ends, or what stands between them (RFC 5322 section 3.2).
type piece struct {
	text            string
	comment, quoted bool
}

// pieces of a value in their order. A comment or quoted string that is not closed goes to the end.
func pieces(value string) (ps []piece) {
	begin, depth, quoted := 0, 0, false
	cut := func(end int, p piece) {
		if p.text = value[begin:end]; p.text != "" {
			ps = append(ps, p)
		}
		begin = end
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			if quoted = c != '"'; !quoted {
				cut(i+1, piece{quoted: true})
			}
		case c == '(':
			if depth == 0 {
				cut(i, piece{})
			}
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				cut(i+1, piece{comment: true})
			}
		case c == '"' && depth == 0:
			cut(i, piece{})
			quoted = true
		}
	}
	cut(len(value), piece{comment: depth > 0, quoted: quoted})
	return ps
}

// split divides a value at its semicolons, but for those in comments and quoted strings: the server, then the results, each on one line.
func split(value string) []string {
	parts := []string{""}
	for _, p := range pieces(value) {
		texts := []string{p.text}
		if !p.comment && !p.quoted {
			texts = strings.Split(p.text, ";")
		}
		parts[len(parts)-1] += texts[0]
		parts = append(parts, texts[1:]...)
	}
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), " ")
	}
	return parts
}

// uncommented is a value without its comments.
func uncommented(value string) string {
	var b strings.Builder
	for _, p := range pieces(value) {
		if !p.comment {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// passed tells whether the value of an Authentication-Results, or of the ARC field of the same form, says that a message passed DMARC for a
// domain in From, and nothing else about DMARC. What quoted strings hold may be of a stranger, such as the name with which a client greeted:
// it is no result.
func passed(value, domain string) bool {
	found := false
	for _, result := range split(unquoted(uncommented(value)))[1:] {
		words := strings.Fields(strings.ToLower(result))
		if len(words) == 0 || !strings.HasPrefix(words[0], "dmarc=") {
			continue
		}
		if found || words[0] != "dmarc=pass" || !slices.Contains(words, "header.from="+strings.ToLower(domain)) {
			return false
		}
		found = true
	}
	return found
}

// unquoted is a value without what its quoted strings hold.
func unquoted(value string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case !quoted:
			b.WriteByte(c)
		}
	}
	return b.String()
}
