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

// split divides a value at its semicolons, but for those in comments and quoted strings: the server, then the results, each on one line.
func split(value string) []string {
	var parts []string
	var b strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(value):
			b.WriteByte(c)
			i++
			c = value[i]
		case quoted:
			quoted = c != '"'
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == '"':
			quoted = true
		case c == ';':
			parts = append(parts, strings.Join(strings.Fields(b.String()), " "))
			b.Reset()
			continue
		}
		b.WriteByte(c)
	}
	return append(parts, strings.Join(strings.Fields(b.String()), " "))
}

// uncommented is a value without its comments.
func uncommented(value string) string {
	var b strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(value):
			if i++; depth == 0 {
				b.WriteByte(c)
				b.WriteByte(value[i])
			}
			continue
		case quoted:
			quoted = c != '"'
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
			continue
		case c == '"' && depth == 0:
			quoted = true
		}
		if depth == 0 {
			b.WriteByte(c)
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
