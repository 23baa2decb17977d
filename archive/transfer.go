package archive

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	htmlcharset "golang.org/x/net/html/charset"
)

// Decode undoes the transfer encoding leniently, at most limit bytes (0: no limit). What is not encoded comes as a slice of raw.
func (p *Part) Decode(raw []byte, limit int) []byte {
	body := raw[p.BodyStart:p.End]
	switch p.Encoding {
	case "base64":
		return decodeBase64(body, limit)
	case "quoted-printable":
		return decodeQuoted(body, limit)
	case "x-uuencode", "uuencode", "x-uue":
		return decodeUU(body, limit)
	}
	if limit > 0 && len(body) > limit {
		body = body[:limit]
	}
	return body
}

// WellEncoded is false for a body that is not what its Content-Transfer-Encoding says, so that decoding it would lose something.
func (p *Part) WellEncoded(raw []byte) bool {
	if p.Encoding != "base64" {
		return true
	}
	return !bytes.ContainsFunc(raw[p.BodyStart:p.End], func(r rune) bool {
		return r >= utf8.RuneSelf || !isBase64(byte(r)) && !strings.ContainsRune("=\r\n", r)
	})
}

// DecodeText is Decode, then from the part's charset to valid UTF-8; unknown charsets are guessed. Line ends stay as they are.
func (p *Part) DecodeText(raw []byte, limit int) string {
	b := p.Decode(raw, limit)
	charset := p.Params["charset"]
	if charset == "" && p.Subtype == "html" {
		_, charset, _ = htmlcharset.DetermineEncoding(b[:min(len(b), 1024)], "text/html")
		if charset == "windows-1252" {
			charset = "" // its default: guess over the whole
		}
	}
	return strings.TrimPrefix(decodeCharset(b, charset), "\uFEFF")
}

// decodeBase64 skips what is not of the alphabet and goes on after padding: some programs encode piece by piece.
func decodeBase64(b []byte, limit int) []byte {
	out := make([]byte, 0, capacity(len(b)/4*3+3, limit))
	quantum := make([]byte, 0, 4096)
	flush := func() {
		n := len(out)
		out = append(out, make([]byte, base64.RawStdEncoding.DecodedLen(len(quantum)))...)
		if len(quantum)%4 == 1 {
			quantum = quantum[:len(quantum)-1]
		}
		k, _ := base64.RawStdEncoding.Decode(out[n:], quantum)
		out, quantum = out[:n+k], quantum[:0]
	}
	for _, c := range b {
		switch {
		case isBase64(c):
			if quantum = append(quantum, c); len(quantum) == cap(quantum) {
				flush()
			}
		case c == '=':
			flush()
		}
		if limit > 0 && len(out) >= limit {
			return out[:limit]
		}
	}
	flush()
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

func capacity(n, limit int) int {
	if limit > 0 {
		return min(n, limit+4096)
	}
	return n
}

// decodeQuoted reads RFC 2045 section 6.7; an = that is no escape stays.
func decodeQuoted(b []byte, limit int) []byte {
	out := make([]byte, 0, capacity(len(b), limit))
	for len(b) > 0 && (limit == 0 || len(out) < limit) {
		line, eol := b, []byte(nil)
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
			eol = []byte("\n")
			if bytes.HasSuffix(line, []byte("\r")) {
				line, eol = line[:i-1], []byte("\r\n")
			}
		} else {
			b = nil
		}
		line = bytes.TrimRight(line, " \t")
		if n := len(line); n > 0 && line[n-1] == '=' {
			line, eol = line[:n-1], nil
		}
		for i := 0; i < len(line); i++ {
			if line[i] == '=' && i+2 < len(line) && unhex(line[i+1]) >= 0 && unhex(line[i+2]) >= 0 {
				out = append(out, byte(unhex(line[i+1])<<4|unhex(line[i+2])))
				i += 2
				continue
			}
			out = append(out, line[i])
		}
		out = append(out, eol...)
	}
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// decodeUU reads the lines between begin and end; without a begin the body stays.
func decodeUU(b []byte, limit int) []byte {
	start := bytes.Index(b, []byte("begin "))
	if start < 0 || start > 0 && b[start-1] != '\n' {
		return b[:capacityEnd(len(b), limit)]
	}
	var out []byte
	for pos := nextLine(b, start); pos < len(b) && (limit == 0 || len(out) < limit); {
		next := nextLine(b, pos)
		line := bytes.TrimRight(b[pos:next], "\r\n")
		pos = next
		if len(line) == 0 || string(line) == "end" {
			break
		}
		n := int(line[0]-' ') & 63
		begin := len(out)
		for i := 1; i < len(line); i += 4 {
			var q [4]byte
			for k := range q {
				if i+k < len(line) {
					q[k] = (line[i+k] - ' ') & 63
				}
			}
			out = append(out, q[0]<<2|q[1]>>4, q[1]<<4|q[2]>>2, q[2]<<6|q[3])
		}
		out = out[:min(len(out), begin+n)]
	}
	return out[:capacityEnd(len(out), limit)]
}

func capacityEnd(n, limit int) int {
	if limit > 0 {
		return min(n, limit)
	}
	return n
}
