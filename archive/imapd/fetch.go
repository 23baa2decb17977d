package imapd

import (
	"errors"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/imapd/wire"
	"wesouthasians.org/sangam/store"
)

// fetch (RFC 9051 section 6.4.5).
func (x *session) fetch(c *wire.Command) (string, error) {
	byUID := c.Name == "UID FETCH"
	c.SP()
	set := c.NumSet(byUID)
	c.SP()
	f := c.Fetch()
	if err := c.End(); err != nil {
		return "", err
	}
	f.UID = f.UID || byUID
	v := x.view
	spans := v.resolve(set)
	if marksSeen(f) && !v.readOnly && v.kind != ofHeld {
		if err := x.mark(v, spans); err != nil {
			return "", err
		}
		f.Flags = true
	}
	if flagsOnly(f) {
		return "", x.writeFlags(v, spans, f)
	}
	var damaged error
	for m, err := range x.messages(v, spans) {
		if err == nil {
			err = x.writeMessage(m, f)
		}
		if errors.Is(err, errDamaged) { // the others are not to wait for it
			damaged = err
			continue
		}
		if err != nil {
			return "", err
		}
	}
	return "", damaged
}

// flagsOnly tells whether no post must be read.
func flagsOnly(f *wire.Fetch) bool {
	return !f.InternalDate && !f.RFC822Size && !f.Envelope && !f.Body && !f.BodyStructure &&
		len(f.BodySection)+len(f.BinarySection)+len(f.BinarySectionSize) == 0
}

func (x *session) writeFlags(v *view, spans []span, f *wire.Fetch) error {
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			m := message{x: x, v: v, seq: seq, uid: v.uid(seq)}
			if m.list, m.number = v.place(seq); !v.mine(m.list) {
				continue
			}
			if err := x.writeMessage(&m, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func marksSeen(f *wire.Fetch) bool {
	for _, s := range f.BodySection {
		if !s.Peek {
			return true
		}
	}
	for _, s := range f.BinarySection {
		if !s.Peek {
			return true
		}
	}
	return false
}

// mark sets \Seen on what is not seen yet, in one commit.
func (x *session) mark(v *view, spans []span) error {
	ns := map[uint64][]uint64{}
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			list, number := v.place(seq)
			f, err := x.loadFlags(v, list)
			if err != nil {
				return err
			}
			if !f[string(imap.FlagSeen)].Has(number) {
				ns[list] = append(ns[list], number)
			}
		}
	}
	if len(ns) == 0 {
		return nil
	}
	return x.changeFlags(v, ns, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}})
}

// writeMessage writes one response. What may be refused is found out before it begins.
func (x *session) writeMessage(m *message, f *wire.Fetch) error {
	a, err := m.prepare(f)
	if err != nil {
		return err
	}
	w := x.out.Raw("* ").Number(int64(m.seq)).Raw(" FETCH (")
	sep := ""
	item := func(name string) *wire.Writer {
		w.Raw(sep, name)
		sep = " "
		return w
	}
	if f.UID {
		item("UID ").Number(int64(m.uid))
	}
	if f.Flags {
		item("FLAGS ").Flags(flagsOf(a.flags, m.number))
	}
	if f.InternalDate {
		item("INTERNALDATE ").InternalDate(m.post.Received)
	}
	if f.RFC822Size {
		item("RFC822.SIZE ").Number(m.post.Size)
	}
	if f.Envelope {
		item("ENVELOPE ").Envelope(a.envelope)
	}
	if f.Body {
		item("BODY ").Structure(a.structure, false)
	}
	if f.BodyStructure {
		item("BODYSTRUCTURE ").Structure(a.structure, true)
	}
	for _, s := range f.BodySection {
		item("").Section(f, s).Raw(" ")
		if err := m.writeSection(s); err != nil {
			return err
		}
	}
	for i, s := range f.BinarySection {
		item("").BinarySection(s).Raw(" ").Binary(a.binary[i])
	}
	for i, s := range f.BinarySectionSize {
		item("").BinarySize(s, a.sizes[i])
	}
	w.Raw(")\r\n")
	return w.Err()
}

// prepared is what a response needs beside the bytes.
type prepared struct {
	flags     store.Flags
	envelope  *archive.Envelope
	structure *archive.Structure
	binary    [][]byte
	sizes     []int64
}

func (m *message) prepare(f *wire.Fetch) (a prepared, err error) {
	if f.Flags {
		if a.flags, err = m.x.loadFlags(m.v, m.list); err != nil {
			return a, err
		}
	}
	if f.Envelope {
		if a.envelope, err = m.envelope(); err != nil {
			return a, m.x.failed(err)
		}
	}
	if f.Body || f.BodyStructure {
		if a.structure, err = m.structure(); err != nil {
			return a, m.x.failed(err)
		}
	}
	for _, s := range f.BodySection {
		if !m.streamed(s) {
			if _, err := m.bytes(); err != nil {
				return a, err
			}
		}
	}
	a.binary, a.sizes, err = m.binaries(f)
	return a, err
}

// envelope and structure were made when the post was accepted. Where they are of another version they are made anew.
func (m *message) envelope() (*archive.Envelope, error) {
	if e, err := archive.DecodeEnvelope(m.post.Envelope); err == nil {
		return e, nil
	}
	p, err := m.describe()
	if err != nil {
		return nil, err
	}
	return archive.DecodeEnvelope(p.Envelope)
}

func (m *message) structure() (*archive.Structure, error) {
	if s, err := archive.DecodeStructure(m.post.Structure); err == nil {
		return s, nil
	}
	p, err := m.describe()
	if err != nil {
		return nil, err
	}
	return archive.DecodeStructure(p.Structure)
}

func (m *message) describe() (store.Post, error) {
	raw, err := m.bytes()
	if err != nil {
		return store.Post{}, err
	}
	return archive.Describe(raw, m.post.Received).Post, nil
}

// maxInMemory is the size in bytes from which a whole message is sent in pieces.
const maxInMemory = 1 << 20

// errCutOff ends a connection in the midst of a literal: the message was removed meanwhile, or the store failed.
var errCutOff = errors.New("a message could not be read to its end")

// streamed tells whether a section is sent without holding it in memory.
func (m *message) streamed(s *imap.FetchItemBodySection) bool {
	whole := len(s.Part) == 0 && s.Specifier == imap.PartSpecifierNone && s.Partial == nil
	return whole && m.raw == nil && m.post.Size > maxInMemory && m.v.kind != ofHeld
}

// writeSection writes the literal of BODY[…]. Only parts of a message are cut out in memory.
func (m *message) writeSection(s *imap.FetchItemBodySection) error {
	out := m.x.out
	if m.streamed(s) {
		out.LiteralSize(m.post.Size)
		if err := m.x.server.Store.WriteRaw(out, m.list, m.number); err != nil {
			return errors.Join(errCutOff, err)
		}
		return nil
	}
	raw, err := m.bytes()
	var cutOut []byte
	if err == nil {
		cutOut, err = section(raw, m.tree, s)
	}
	if err != nil {
		return errors.Join(errCutOff, err)
	}
	out.Literal(cut(cutOut, s.Partial))
	return out.Err()
}

// binaries decodes the parts of BINARY (RFC 3516) and their sizes.
func (m *message) binaries(f *wire.Fetch) (parts [][]byte, sizes []int64, err error) {
	for _, s := range f.BinarySection {
		b, err := m.binary(s.Part)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, cut(b, s.Partial))
	}
	for _, s := range f.BinarySectionSize {
		b, err := m.binary(s.Part)
		if err != nil {
			return nil, nil, err
		}
		sizes = append(sizes, int64(len(b)))
	}
	return parts, sizes, nil
}

// binary is a part without its transfer encoding.
func (m *message) binary(path []int) ([]byte, error) {
	root, err := m.tree()
	if err != nil || len(path) == 0 {
		return m.raw, err
	}
	p := root.Find(path)
	if p == nil {
		return nil, nil
	}
	switch p.Encoding {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable":
		return p.Decode(m.raw, 0), nil
	}
	return nil, no(imap.ResponseCodeUnknownCTE, "The transfer encoding of this part is not known: fetch it with BODY[]")
}
