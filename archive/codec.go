package archive

import (
	"encoding/binary"
	"errors"

	"github.com/emersion/go-imap/v2"
)

// Envelopes and structures are kept in a compact form of our own: reading 100,000 of them for a client's first look at a mailbox must take no
// time worth waiting for. A version byte, then fields in a fixed order: numbers as uvarint, strings with their length, lists with their count.
const codecVersion = 2

var errCodec = errors.New("decode description: broken or of another version")

// maxStructureDepth of the decoder: a part and the message within it are two levels.
const maxStructureDepth = 2*maxDepth + 10

// EncodeEnvelope makes what store.Post.Envelope holds.
func EncodeEnvelope(e *Envelope) []byte {
	return appendEnvelope(append(make([]byte, 0, 512), codecVersion), e)
}

// DecodeEnvelope reads what EncodeEnvelope made.
func DecodeEnvelope(b []byte) (*Envelope, error) {
	r, err := newReader(b)
	if err != nil {
		return nil, err
	}
	e := r.envelope()
	return e, r.done()
}

// EncodeStructure makes what store.Post.Structure holds.
func EncodeStructure(s *Structure) []byte {
	return appendStructure(append(make([]byte, 0, 256), codecVersion), s)
}

// DecodeStructure reads what EncodeStructure made.
func DecodeStructure(b []byte) (*Structure, error) {
	r, err := newReader(b)
	if err != nil {
		return nil, err
	}
	s := r.structure(0)
	return s, r.done()
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, ss []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(ss)))
	for _, s := range ss {
		b = appendString(b, s)
	}
	return b
}

func appendParams(b []byte, ps []Param) []byte {
	b = binary.AppendUvarint(b, uint64(len(ps)))
	for _, p := range ps {
		b = appendString(appendString(b, p.Key), p.Value)
	}
	return b
}

func appendEnvelope(b []byte, e *Envelope) []byte {
	for _, s := range []string{e.Date, e.Subject, e.InReplyTo, e.MessageID} {
		b = appendString(b, s)
	}
	for _, as := range [][]imap.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		b = binary.AppendUvarint(b, uint64(len(as)))
		for _, a := range as {
			b = appendString(appendString(appendString(b, a.Name), a.Mailbox), a.Host)
		}
	}
	return b
}

// What is behind the fields of a part.
const (
	alone       = iota
	withParts   // a multipart's
	withMessage // its envelope, then one part
)

func appendStructure(b []byte, s *Structure) []byte {
	b = appendParams(appendString(appendString(b, s.Type), s.Subtype), s.Params)
	b = appendString(appendString(appendString(b, s.ID), s.Description), s.Encoding)
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.Size)), uint64(s.Lines))
	b = appendParams(appendString(b, s.Disposition), s.DispositionParams)
	b = appendString(appendStrings(b, s.Languages), s.Location)
	switch {
	case s.Envelope != nil:
		b = appendEnvelope(append(b, withMessage), s.Envelope)
	case len(s.Parts) > 0:
		b = binary.AppendUvarint(append(b, withParts), uint64(len(s.Parts)))
	default:
		return append(b, alone)
	}
	for _, p := range s.Parts {
		b = appendStructure(b, p)
	}
	return b
}

// reader goes over one copy of the bytes; the strings it returns share that copy.
type reader struct {
	b   []byte
	s   string
	pos int
	bad bool
}

func newReader(b []byte) (*reader, error) {
	if len(b) == 0 || b[0] != codecVersion {
		return nil, errCodec
	}
	return &reader{b: b, s: string(b), pos: 1}, nil
}

func (r *reader) done() error {
	if r.bad || r.pos != len(r.b) {
		return errCodec
	}
	return nil
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b[r.pos:])
	if n <= 0 {
		r.bad, r.pos = true, len(r.b)
		return 0
	}
	r.pos += n
	return v
}

// count of a list: each entry takes at least one byte.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)-r.pos) {
		r.bad, r.pos = true, len(r.b)
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.count()
	s := r.s[r.pos : r.pos+n]
	r.pos += n
	return s
}

func (r *reader) strings() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	ss := make([]string, n)
	for i := range ss {
		ss[i] = r.string()
	}
	return ss
}

func (r *reader) params() []Param {
	n := r.count()
	if n == 0 {
		return nil
	}
	ps := make([]Param, n)
	for i := range ps {
		ps[i] = Param{r.string(), r.string()}
	}
	return ps
}

func (r *reader) envelope() *Envelope {
	e := &Envelope{Date: r.string(), Subject: r.string(), InReplyTo: r.string(), MessageID: r.string()}
	for _, as := range []*[]imap.Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc} {
		n := r.count()
		if n == 0 {
			continue
		}
		*as = make([]imap.Address, n)
		for i := range *as {
			(*as)[i] = imap.Address{Name: r.string(), Mailbox: r.string(), Host: r.string()}
		}
	}
	return e
}

// structure always returns one that can be written, also of broken bytes: the error is for done.
func (r *reader) structure(depth int) *Structure {
	s := &Structure{Type: r.string(), Subtype: r.string(), Params: r.params(), ID: r.string(), Description: r.string(), Encoding: r.string()}
	s.Size, s.Lines = int64(r.uint()), int64(r.uint())
	s.Disposition, s.DispositionParams = r.string(), r.params()
	s.Languages, s.Location = r.strings(), r.string()
	parts := 0
	switch kind := r.uint(); {
	case depth > maxStructureDepth || kind > withMessage:
		r.bad = true
	case kind == withParts:
		parts = r.count()
		r.bad = r.bad || parts == 0 || s.Type != "multipart"
	case kind == withMessage:
		s.Envelope, parts = r.envelope(), 1
	case s.Type == "multipart":
		r.bad = true
	}
	for i := 0; i < parts && !r.bad; i++ {
		s.Parts = append(s.Parts, r.structure(depth+1))
	}
	return s
}
