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
	for m, err := range x.messages(v, spans) {
		if err == nil {
			err = x.writeMessage(m, f)
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
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
	var flags store.Flags
	var err error
	if f.Flags {
		if flags, err = x.loadFlags(m.v, m.list); err != nil {
			return err
		}
	}
	binary, sizes, err := m.binaries(f)
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
		item("FLAGS ").Flags(flagsOf(flags, m.number))
	}
	if f.InternalDate {
		item("INTERNALDATE ").InternalDate(m.post.Received)
	}
	if f.RFC822Size {
		item("RFC822.SIZE ").Number(m.post.Size)
	}
	if f.Envelope {
		item("ENVELOPE ").Envelope(envelope(m.post.Envelope))
	}
	if f.Body || f.BodyStructure {
		s := structure(m.post.Structure)
		if f.Body {
			item("BODY ").Structure(s, false)
		}
		if f.BodyStructure {
			item("BODYSTRUCTURE ").Structure(s, true)
		}
	}
	for _, s := range f.BodySection {
		item("").Section(f, s).Raw(" ")
		if err := m.writeSection(s); err != nil {
			return err
		}
	}
	for i, s := range f.BinarySection {
		item("").BinarySection(s).Raw(" ").Binary(binary[i])
	}
	for i, s := range f.BinarySectionSize {
		item("").BinarySize(s, sizes[i])
	}
	w.Raw(")\r\n")
	return w.Err()
}

func envelope(b []byte) *imap.Envelope {
	e, err := archive.DecodeEnvelope(b)
	if err != nil {
		return &imap.Envelope{}
	}
	return e
}

// structure falls back to what every message is at least.
func structure(b []byte) imap.BodyStructure {
	if bs, err := archive.DecodeStructure(b); err == nil && bs != nil {
		return bs
	}
	return &imap.BodyStructureSinglePart{Type: "text", Subtype: "plain", Encoding: "7bit",
		Text: &imap.BodyStructureText{}, Extended: &imap.BodyStructureSinglePartExt{}}
}

// maxInMemory is the size in bytes from which a whole message is sent in pieces.
const maxInMemory = 1 << 20

// errCutOff ends a connection in the midst of a literal: the message was removed meanwhile, or the store failed.
var errCutOff = errors.New("a message could not be read to its end")

// writeSection writes the literal of BODY[…]. Only parts of a message are cut out in memory.
func (m *message) writeSection(s *imap.FetchItemBodySection) error {
	out := m.x.out
	whole := len(s.Part) == 0 && s.Specifier == imap.PartSpecifierNone
	if whole && s.Partial == nil && m.raw == nil && m.post.Size > maxInMemory && m.v.kind != ofHeld {
		out.LiteralSize(m.post.Size)
		if err := m.x.server.Store.WriteRaw(out, m.list, m.number); err != nil {
			return errors.Join(errCutOff, err)
		}
		return nil
	}
	raw, err := m.bytes()
	if err != nil {
		return errors.Join(errCutOff, err)
	}
	var root *archive.Part
	if !whole {
		if root, err = m.tree(); err != nil {
			return err
		}
	}
	out.Literal(cut(section(raw, root, s), s.Partial))
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
