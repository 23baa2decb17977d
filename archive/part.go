package archive

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is a node of the MIME tree, as offsets into the raw message. Parse bounds depth and count; what lies beyond is one leaf.
type Part struct {
	Start, BodyStart, End int               // header is raw[Start:BodyStart] with its empty line, body raw[BodyStart:End]
	Type, Subtype         string            // lower case; text/plain when absent or broken
	Params                map[string]string // lower-case keys, RFC 2231 and encoded words decoded; nil when there are none
	Disposition           string            // lower case; empty when absent
	DispositionParams     map[string]string
	Encoding              string // lower case: 7bit 8bit binary base64 quoted-printable or as given
	ID, Description       string
	Parts                 []*Part // of a multipart; one without parts is a text/plain leaf, so a multipart has at least one
	Message               *Part   // of message/rfc822 and message/global that are not transfer-encoded

	header Header
}

// Header of the part; of the root it is the message's.
func (p *Part) Header() Header { return p.header }

// MediaType is type and subtype.
func (p *Part) MediaType() string { return p.Type + "/" + p.Subtype }

// Leaf tells whether the part holds content rather than parts. An embedded message is a leaf to readers.
func (p *Part) Leaf() bool { return len(p.Parts) == 0 }

// Find returns the part of an IMAP section path (RFC 9051 section 6.4.5), nil when there is none. The empty path is the message itself;
// path 1 of a message that is not a multipart is the message too, its body being raw[BodyStart:End].
func (p *Part) Find(section []int) *Part {
	if len(section) == 0 {
		return p
	}
	part := p
	if p.Leaf() {
		if section[0] != 1 {
			return nil
		}
		section = section[1:]
	}
	for ; !part.Leaf() && len(section) > 0; section = section[1:] {
		n := section[0]
		if n < 1 || n > len(part.Parts) {
			return nil
		}
		part = part.Parts[n-1]
	}
	switch {
	case len(section) == 0:
		return part
	case part.Message == nil:
		return nil
	}
	return part.Message.Find(section)
}

// Filename decoded and cleaned for display: no path, no control or bidi override characters; empty when none. At most 200 bytes.
func (p *Part) Filename() string {
	name := p.DispositionParams["filename"]
	if name == "" {
		name = p.Params["name"]
	}
	return cleanFilename(name)
}

const maxFilename = 200 // bytes, below the 255 of file systems

func cleanFilename(name string) string {
	name = path.Base(strings.ReplaceAll(strings.TrimSpace(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '/':
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if name == "." || name == ".." {
		return ""
	}
	if len(name) <= maxFilename {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	return cutText(name[:len(name)-len(ext)], maxFilename-len(ext)) + ext
}

// cutText shortens valid UTF-8 to at most n bytes at a character's end.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
