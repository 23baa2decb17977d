// Package archive turns the raw bytes of a message into a described post: parts, header fields, text, envelope, references. It is pure: the
// same bytes give the same description, and no input makes it fail or take more than bounded time and memory.
package archive

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/store"
)

// Part is a node of the MIME tree, as offsets into the raw message. Parse bounds depth and count; what lies beyond is one leaf.
type Part struct {
	Start, BodyStart, End int               // header is raw[Start:BodyStart] with its empty line, body raw[BodyStart:End]
	Type, Subtype         string            // lower case; text/plain when absent or broken
	Params                map[string]string // lower-case keys, RFC 2231 and encoded words decoded
	Disposition           string
	DispositionParams     map[string]string
	Encoding              string // lower case: 7bit 8bit binary base64 quoted-printable or as given
	ID, Description       string
	Parts                 []*Part // of a multipart; may be empty
	Message               *Part   // of message/rfc822 and message/global
}

func Parse(raw []byte) *Part { panic("outline") }

// Find returns the part of an IMAP section path (RFC 9051 section 6.4.5), nil when there is none.
func (p *Part) Find(path []int) *Part { panic("outline") }

// Filename decoded and cleaned for display: no path, no control or bidi override characters; empty when none.
func (p *Part) Filename() string { panic("outline") }

// Decode undoes the transfer encoding leniently, at most limit bytes (0: no limit).
func (p *Part) Decode(raw []byte, limit int) []byte { panic("outline") }

// DecodeText is Decode, then from the part's charset to valid UTF-8; unknown charsets are guessed.
func (p *Part) DecodeText(raw []byte, limit int) string { panic("outline") }

// Description of a message.
type Description struct {
	Post       store.Post // MessageID, Content, Subject, From, Author, Date, Received, Size, Lines, Attachments, Envelope, Structure
	References []string   // ancestors, oldest first, direct parent last; for store.Acceptance
	To, Cc     []store.Address
}

// Describe never fails. received is used where the Date field is absent or absurd.
func Describe(raw []byte, received time.Time) Description { panic("outline") }

// Header is the parsed header of a message or part: Get unfolds the raw value of the first field, Text decodes encoded words.
// (go-message's types may serve inside.)

func EncodeEnvelope(e *imap.Envelope) []byte               { panic("outline") }
func DecodeEnvelope(b []byte) (*imap.Envelope, error)      { panic("outline") }
func EncodeStructure(b imap.BodyStructure) []byte          { panic("outline") }
func DecodeStructure(b []byte) (imap.BodyStructure, error) { panic("outline") }

// Body is what a reader sees of a message: the text shown and the other leaf parts.
type Body struct {
	Text              string // plain text, UTF-8, LF; from HTML when the message has only HTML
	Flowed            bool   // RFC 3676
	DelSp             bool
	HTML              string // the HTML alternative, not yet sanitised; empty when there is none
	Attachments       []Attachment
	Signed, Encrypted bool
}

// Attachment is a leaf part other than the text shown, numbered from 1 (the k of a page's address).
type Attachment struct {
	K         int
	Part      *Part
	Type      string // media type
	Filename  string // never empty: made from type and number when the part has none
	Size      int    // decoded, estimated from the encoding
	ContentID string
}

func Read(raw []byte) Body { panic("outline") }
