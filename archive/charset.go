package archive

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// charsets that the indexes of x/text lack or map to something mail does not mean. A nil entry means: guess.
var charsets = map[string]encoding.Encoding{
	"hz-gb-2312":       simplifiedchinese.HZGB2312,
	"ansi_x3.110-1983": charmap.Windows1252,
	"x-utf_8j":         unicode.UTF8,
	"uft-8":            unicode.UTF8,
	"utf_8":            unicode.UTF8,
	"utf-16":           unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"us-ascii":         nil,
	"ascii":            nil,
	"ansi_x3.4-1968":   nil,
	"iso-ir-6":         nil,
	"x-user-defined":   nil,
	"iso-2022-kr":      nil,
	"iso-2022-cn":      nil,
	"replacement":      nil,
}

var codePage = regexp.MustCompile(`^(?:x-)?(?:cp|win|windows|ms|ibm)?[-_ ]?(125[0-8]|874|437|850|852|855|858|860|862|863|865|866)$`)

const maxCharsetName = 40

// found remembers look-ups, at most maxFound of them: names come from outside.
var found = struct {
	sync.RWMutex
	names map[string]encoding.Encoding
}{names: map[string]encoding.Encoding{}}

const maxFound = 1000

// lookUpCharset returns nil when the name says nothing.
func lookUpCharset(name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(name, " \t\"'\\;,"))
	name = strings.TrimPrefix(name, "charset=")
	if name == "" || len(name) > maxCharsetName {
		return nil
	}
	found.RLock()
	e, ok := found.names[name]
	found.RUnlock()
	if ok {
		return e
	}
	e = searchCharset(name)
	found.Lock()
	defer found.Unlock()
	if len(found.names) < maxFound {
		found.names[name] = e
	}
	return e
}

func searchCharset(name string) encoding.Encoding {
	if e, ok := charsets[name]; ok {
		return e
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e
	}
	if m := codePage.FindStringSubmatch(name); m != nil {
		for _, prefix := range []string{"windows-", "ibm"} {
			if e, err := ianaindex.IANA.Encoding(prefix + m[1]); err == nil && e != nil {
				return e
			}
		}
	}
	return nil
}

// decodeCharset makes valid UTF-8. A charset that is unknown, missing or evidently wrong is guessed: UTF-8 when the bytes are that,
// ISO-2022-JP when they hold its escapes, else windows-1252.
func decodeCharset(b []byte, name string) string {
	if isASCII(b) && !stateful(b, name) {
		return string(b)
	}
	if isUTF7(name) {
		return decodeUTF7(b)
	}
	e := lookUpCharset(name)
	if e == nil || e == unicode.UTF8 {
		return guessCharset(b)
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return guessCharset(b)
	}
	s := strings.ToValidUTF8(string(out), "\uFFFD")
	if utf8.Valid(b) && strings.Count(s, "\uFFFD") > 0 { // said to be another charset, but UTF-8
		return string(b)
	}
	return s
}

func guessCharset(b []byte) string {
	if bytes.Contains(b, []byte("\x1b$")) && !utf8Heavy(b) {
		if out, err := japanese.ISO2022JP.NewDecoder().Bytes(b); err == nil {
			return strings.ToValidUTF8(string(out), "\uFFFD")
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	if utf8Heavy(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// utf8Heavy tells whether more bytes beyond ASCII form UTF-8 characters than do not.
func utf8Heavy(b []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		} else {
			good++
		}
		i += n
	}
	return good > bad
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// stateful tells whether ASCII bytes may mean other characters.
func stateful(b []byte, name string) bool {
	name = strings.ToLower(name)
	return bytes.IndexByte(b, 0x1b) >= 0 || isUTF7(name) || name == "hz-gb-2312" || strings.HasPrefix(name, "utf-16")
}

func isUTF7(name string) bool {
	switch strings.ToLower(strings.Trim(name, " \"'")) {
	case "utf-7", "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7":
		return true
	}
	return false
}

// decodeUTF7 reads RFC 2152; what is no valid shift sequence stays as it is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		i := bytes.IndexByte(b, '+')
		if i < 0 {
			break
		}
		out.Write(b[:i])
		b = b[i+1:]
		n := 0
		for n < len(b) && isBase64(b[n]) {
			n++
		}
		switch raw, err := base64.RawStdEncoding.DecodeString(string(b[:n-n%4+min(n%4, 3)])); {
		case n == 0:
			out.WriteByte('+')
		case err != nil && len(raw) < 2:
			out.WriteByte('+')
			out.Write(b[:n])
		default:
			units := make([]uint16, len(raw)/2)
			for k := range units {
				units[k] = uint16(raw[2*k])<<8 | uint16(raw[2*k+1])
			}
			out.WriteString(string(utf16.Decode(units)))
		}
		b = b[n:]
		if len(b) > 0 && b[0] == '-' {
			b = b[1:]
		}
	}
	out.Write(b)
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
