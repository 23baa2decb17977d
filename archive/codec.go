package archive

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Envelopes and structures are kept in a compact form of our own: reading 100,000 of them for a client's first look at a mailbox must take no
// time worth waiting for. A version byte, then fields in a fixed order: numbers as uvarint, strings with their length, lists with their count.
const codecVersion = 1

var errCodec = errors.New("decode description: broken or of another version")

// maxStructureDepth of the decoder: a part and the message within it are two levels.
const maxStructureDepth = 2*maxDepth + 10

// EncodeEnvelope makes what store.Post.Envelope holds.
func EncodeEnvelope(e *imap.Envelope) []byte {
	return appendEnvelope(append(make([]byte, 0, 512), codecVersion), e)
}

// DecodeEnvelope reads what EncodeEnvelope made.
func DecodeEnvelope(b []byte) (*imap.Envelope, error) {
	r, err := newReader(b)
	if err != nil {
		return nil, err
	}
	e := r.envelope()
	return e, r.done()
}

// EncodeStructure makes what store.Post.Structure holds.
func EncodeStructure(b imap.BodyStructure) []byte {
	return appendStructure(append(make([]byte, 0, 256), codecVersion), b)
}

// DecodeStructure reads what EncodeStructure made.
func DecodeStructure(b []byte) (imap.BodyStructure, error) {
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

func appendMap(b []byte, m map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for _, k := range sortedKeys(m) {
		b = appendString(appendString(b, k), m[k])
	}
	return b
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func appendEnvelope(b []byte, e *imap.Envelope) []byte {
	if e.Date.IsZero() {
		b = append(b, 0)
	} else {
		_, offset := e.Date.Zone()
		b = append(b, 1)
		b = binary.AppendVarint(b, e.Date.Unix())
		b = binary.AppendVarint(b, int64(offset))
	}
	b = appendString(b, e.Subject)
	for _, as := range [][]imap.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		b = binary.AppendUvarint(b, uint64(len(as)))
		for _, a := range as {
			b = appendString(appendString(appendString(b, a.Name), a.Mailbox), a.Host)
		}
	}
	return appendString(appendStrings(b, e.InReplyTo), e.MessageID)
}

const (
	kindMulti = iota
	kindPlain
	kindText
	kindMessage
)

func appendStructure(b []byte, bs imap.BodyStructure) []byte {
	switch s := bs.(type) {
	case *imap.BodyStructureMultiPart:
		b = append(b, kindMulti)
		b = binary.AppendUvarint(b, uint64(len(s.Children)))
		for _, child := range s.Children {
			b = appendStructure(b, child)
		}
		b = appendMap(appendString(b, s.Subtype), s.Extended.Params)
		return appendExtended(b, s.Extended.Disposition, s.Extended.Language, s.Extended.Location)
	case *imap.BodyStructureSinglePart:
		kind := byte(kindPlain)
		switch {
		case s.MessageRFC822 != nil:
			kind = kindMessage
		case s.Text != nil:
			kind = kindText
		}
		b = appendMap(appendString(appendString(append(b, kind), s.Type), s.Subtype), s.Params)
		b = appendString(appendString(appendString(b, s.ID), s.Description), s.Encoding)
		b = binary.AppendUvarint(b, uint64(s.Size))
		switch kind {
		case kindMessage:
			b = appendStructure(appendEnvelope(b, s.MessageRFC822.Envelope), s.MessageRFC822.BodyStructure)
			b = binary.AppendUvarint(b, uint64(s.MessageRFC822.NumLines))
		case kindText:
			b = binary.AppendUvarint(b, uint64(s.Text.NumLines))
		}
		return appendExtended(b, s.Extended.Disposition, s.Extended.Language, s.Extended.Location)
	}
	panic("archive: unknown kind of body structure")
}

func appendExtended(b []byte, d *imap.BodyStructureDisposition, languages []string, location string) []byte {
	if d == nil {
		b = append(b, 0)
	} else {
		b = appendMap(appendString(append(b, 1), d.Value), d.Params)
	}
	return appendString(appendStrings(b, languages), location)
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

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b[r.pos:])
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

func (r *reader) stringMap() map[string]string {
	n := r.count()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, min(n, maxParams))
	for range n {
		k := r.string()
		m[k] = r.string()
	}
	return m
}

func (r *reader) envelope() *imap.Envelope {
	e := &imap.Envelope{}
	if r.uint() == 1 {
		sec, offset := r.int(), r.int()
		zone := time.UTC
		if offset != 0 {
			zone = time.FixedZone("", int(offset))
		}
		e.Date = time.Unix(sec, 0).In(zone)
	}
	e.Subject = r.string()
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
	e.InReplyTo, e.MessageID = r.strings(), r.string()
	return e
}

// structure always returns one that can be written, also of broken bytes: the error is for done.
func (r *reader) structure(depth int) imap.BodyStructure {
	kind := r.uint()
	if depth > maxStructureDepth || kind > kindMessage {
		r.bad, r.pos = true, len(r.b)
	}
	if kind == kindMulti && !r.bad {
		m := &imap.BodyStructureMultiPart{Extended: &imap.BodyStructureMultiPartExt{}}
		n := r.count()
		r.bad = r.bad || n == 0
		for range n {
			m.Children = append(m.Children, r.structure(depth+1))
			if r.bad {
				break
			}
		}
		m.Subtype, m.Extended.Params = r.string(), r.stringMap()
		m.Extended.Disposition, m.Extended.Language, m.Extended.Location = r.disposition(), r.strings(), r.string()
		return m
	}
	s := &imap.BodyStructureSinglePart{Extended: &imap.BodyStructureSinglePartExt{}}
	if r.bad {
		return s
	}
	s.Type, s.Subtype, s.Params = r.string(), r.string(), r.stringMap()
	s.ID, s.Description, s.Encoding = r.string(), r.string(), r.string()
	s.Size = uint32(r.uint())
	switch kind {
	case kindMessage:
		m := &imap.BodyStructureMessageRFC822{Envelope: r.envelope(), BodyStructure: r.structure(depth + 1)}
		m.NumLines = int64(r.uint())
		s.MessageRFC822 = m
	case kindText:
		s.Text = &imap.BodyStructureText{NumLines: int64(r.uint())}
	}
	s.Extended.Disposition, s.Extended.Language, s.Extended.Location = r.disposition(), r.strings(), r.string()
	return s
}

func (r *reader) disposition() *imap.BodyStructureDisposition {
	if r.uint() == 0 {
		return nil
	}
	return &imap.BodyStructureDisposition{Value: r.string(), Params: r.stringMap()}
}
