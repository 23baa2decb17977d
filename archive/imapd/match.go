package imapd

// matchMailbox matches a LIST pattern (RFC 9051 section 6.3.9): * is anything, % anything without the delimiter. Its
// time is the product of the lengths, whatever the pattern.
func matchMailbox(pattern, name string) bool {
	// at[i]: the pattern so far can end before name[i].
	at, next := make([]bool, len(name)+1), make([]bool, len(name)+1)
	at[0] = true
	for p := range len(pattern) {
		wild := pattern[p] == '*' || pattern[p] == '%'
		for i := range next {
			switch {
			case wild:
				next[i] = at[i] || i > 0 && next[i-1] && (pattern[p] == '*' || name[i-1] != delimiter)
			default:
				next[i] = i > 0 && at[i-1] && name[i-1] == pattern[p]
			}
		}
		at, next = next, at
	}
	return at[len(name)]
}

// maxPattern bounds LIST patterns.
const maxPattern = 1000
