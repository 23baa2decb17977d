package archive

import "bytes"

// CRLF returns a message in the form in which posts are stored: every line ends in CRLF, the last one too, and nothing else is changed (a bare
// CR and NUL stay). It returns raw itself when that is so already.
func CRLF(raw []byte) []byte {
	bare := 0
	for i := 0; i < len(raw); {
		k := bytes.IndexByte(raw[i:], '\n')
		if k < 0 {
			break
		}
		if i += k; i == 0 || raw[i-1] != '\r' {
			bare++
		}
		i++
	}
	complete := bytes.HasSuffix(raw, []byte("\n"))
	if bare == 0 && complete {
		return raw
	}
	out := make([]byte, 0, len(raw)+bare+2)
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\n')
		if i < 0 {
			return append(append(out, raw...), "\r\n"...)
		}
		out = append(out, raw[:i]...)
		if i == 0 || raw[i-1] != '\r' {
			out = append(out, '\r')
		}
		out = append(out, '\n')
		raw = raw[i+1:]
	}
	return out
}
