package archive

import (
	"sort"
	"strconv"
	"strings"
)

// Bounds of one field with parameters.
const (
	maxParams     = 100
	maxParamBytes = 32 << 10
)

// Param is a parameter as a field writes it: the key in lower case, the value without quotes and not decoded.
type Param struct{ Key, Value string }

// splitParams reads "value; key=value; …" of a MIME field: quoted or not, missing quotes and semicolons.
func splitParams(s string) (value string, params []Param) {
	s = stripComments(s[:min(len(s), maxParamBytes)])
	value, s, _ = strings.Cut(s, ";")
	value = strings.Trim(strings.TrimSpace(value), `"`)
	if i := strings.IndexAny(value, " \t"); i >= 0 && strings.Contains(value[i:], "=") { // "text/plain charset=utf-8"
		value, s = value[:i], value[i:]+";"+s
	}
	for n := 0; s != "" && n < maxParams; n++ {
		var p Param
		if p.Key, p.Value, s = cutParam(s); p.Key != "" {
			params = append(params, p)
		}
	}
	return value, params
}

// parseParams decodes: RFC 2231 charsets and continuations, encoded words where they are forbidden. Of equal keys the first counts.
func parseParams(s, charset string) (value string, params map[string]string) {
	value, split := splitParams(s)
	if len(split) == 0 {
		return value, nil
	}
	params = map[string]string{}
	var parts map[string][]section
	for _, p := range split {
		if star := strings.IndexByte(p.Key, '*'); star > 0 {
			if parts == nil {
				parts = map[string][]section{}
			}
			base := p.Key[:star]
			parts[base] = append(parts[base], newSection(p.Key[star+1:], p.Value))
		} else if _, ok := params[p.Key]; !ok {
			params[p.Key] = decodeWords(p.Value, charset)
		}
	}
	for base, ss := range parts {
		params[base] = cleanLine(joinSections(ss))
	}
	return value, params
}

// cutParam takes one key=value off.
func cutParam(s string) (key, value, rest string) {
	s = strings.TrimLeft(s, "; \t\r\n")
	i := strings.IndexAny(s, "=;")
	if i < 0 || s[i] == ';' {
		if i < 0 {
			return "", "", ""
		}
		return "", "", s[i+1:]
	}
	key = strings.ToLower(strings.TrimSpace(s[:i]))
	if k := strings.LastIndexAny(key, " \t"); k >= 0 {
		key = key[k+1:]
	}
	s = strings.TrimLeft(s[i+1:], " \t")
	if strings.HasPrefix(s, `"`) {
		value, rest = cutQuoted(s)
	} else {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimSpace(value)
		// A missing semicolon: "charset=utf-8 format=flowed". A file name may hold blanks without quotes.
		if k := strings.IndexAny(value, " \t"); k >= 0 && strings.Contains(value[k:], "=") && !strings.Contains(value, "=?") {
			value, rest = value[:k], value[k:]+";"+rest
		}
		value = strings.TrimRight(value, `"`)
	}
	if !isToken(strings.ReplaceAll(key, "*", "")) {
		key = ""
	}
	return key, value, rest
}

// cutQuoted takes a quoted string off; one without its end goes up to the end.
func cutQuoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
				i++
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// stripComments takes (comments) out of a field where they are outside of quotes.
func stripComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var b strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				b.WriteString(s[i : i+2])
			}
			i++
			continue
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted && (depth > 0 || i == 0 || strings.IndexByte(" \t;", s[i-1]) >= 0):
			depth++
			continue
		case c == ')' && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			b.WriteByte(c)
		}
	}
	if depth > 0 { // never closed: it was no comment
		return s
	}
	return b.String()
}

// section is a piece of a parameter by RFC 2231: name*N or name*N* or name*.
type section struct {
	number  int
	encoded bool
	value   string
}

func newSection(suffix, value string) section {
	sec := section{value: value}
	if strings.HasSuffix(suffix, "*") || suffix == "" {
		sec.encoded = true
		suffix = strings.TrimSuffix(suffix, "*")
	}
	sec.number, _ = strconv.Atoi(suffix)
	return sec
}

func joinSections(ss []section) string {
	sort.SliceStable(ss, func(i, j int) bool { return ss[i].number < ss[j].number })
	charset := ""
	var raw []byte
	for i, sec := range ss {
		v := sec.value
		if i == 0 && sec.encoded {
			if parts := strings.SplitN(v, "'", 3); len(parts) == 3 {
				charset, v = parts[0], parts[2]
			}
		}
		if sec.encoded {
			raw = appendPercent(raw, v)
		} else {
			raw = append(raw, v...)
		}
	}
	if charset == "" && strings.Contains(string(raw), "=?") {
		return decodeWords(string(raw), "")
	}
	return decodeCharset(raw, charset)
}

func appendPercent(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return b
}
