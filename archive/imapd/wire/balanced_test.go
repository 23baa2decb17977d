package wire

import (
	"bytes"
	"strconv"
	"time"
)

var day = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// balanced reads one parenthesised list and returns what follows it.
func balanced(b []byte) (rest []byte, ok bool) {
	depth := 0
	for len(b) > 0 {
		switch c := b[0]; c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return b[1:], true
			}
		case '"':
			for b = b[1:]; len(b) > 0 && b[0] != '"'; b = b[1:] {
				if b[0] == '\\' {
					b = b[1:]
				}
				if len(b) == 0 || b[0] == '\r' || b[0] == '\n' || b[0] == 0 || b[0] > 0x7e {
					return b, false
				}
			}
			if len(b) == 0 {
				return b, false
			}
		case '{':
			end := bytes.Index(b, []byte("}\r\n"))
			if end < 0 {
				return b, false
			}
			n, err := strconv.Atoi(string(b[1:end]))
			if err != nil || n > len(b)-end-3 {
				return b, false
			}
			b = b[end+3+n:]
			continue
		}
		b = b[1:]
	}
	return b, false
}
