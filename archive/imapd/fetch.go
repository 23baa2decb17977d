package imapd

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// message is one message of a view while it is worked on. Bytes and tree are read when they are asked for.
type message struct {
	x            *session
	v            *view
	seq, uid     uint32
	list, number uint64
	post         store.Post

	raw  []byte
	root *archive.Part
}

func (m *message) bytes() ([]byte, error) {
	if m.raw != nil {
		return m.raw, nil
	}
	var err error
	if m.v.kind == ofHeld {
		m.raw, err = m.x.server.Store.HeldRaw(m.number)
	} else {
		m.raw, err = m.x.server.Store.Raw(m.list, m.number)
	}
	if errors.Is(err, store.ErrNotFound) { // removed a moment ago, and the client does not know yet
		m.raw, err = []byte{}, nil
	}
	return m.raw, m.x.failed(err)
}

func (m *message) tree() (*archive.Part, error) {
	raw, err := m.bytes()
	if err == nil && m.root == nil {
		m.root = archive.Parse(raw)
	}
	return m.root, err
}

// messages yields the messages of some runs of sequence numbers, in order. Those that were removed and not yet announced are left
// out.
func (x *session) messages(v *view, spans []span) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		for _, s := range spans {
			each := x.oneByOne
			if v.kind == ofList {
				each = x.inRuns
			}
			for m, err := range each(v, s) {
				if err == nil && m.post.Removed {
					continue
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// inRuns reads the posts of a list in batches.
func (x *session) inRuns(v *view, s span) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		seq := s.from
		for p, err := range x.server.Store.Posts(v.list.ID, uint64(v.uid(s.from)), uint64(v.uid(s.to))) {
			if err != nil {
				yield(nil, x.failed(err))
				return
			}
			uid := uint32(p.Number)
			at, known := v.seq(uid)
			if !known {
				continue
			}
			seq = at
			if !yield(&message{x: x, v: v, seq: seq, uid: uid, list: p.List, number: p.Number, post: p}, nil) {
				return
			}
		}
	}
}

// oneByOne reads messages of INBOX and Held.
func (x *session) oneByOne(v *view, s span) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		for seq := s.from; seq <= s.to; seq++ {
			m := &message{x: x, v: v, seq: seq, uid: v.uid(seq)}
			m.list, m.number = v.place(m.uid)
			var err error
			if v.kind == ofHeld {
				var h store.Held
				if h, err = x.server.Store.HeldPost(m.number); err == nil {
					if _, err = m.bytes(); err == nil {
						m.post = describeHeld(h, m.raw)
					}
				}
			} else {
				m.post, err = x.server.Store.Post(m.list, m.number)
			}
			if errors.Is(err, store.ErrNotFound) { // decided about by another moderator
				continue
			}
			if !yield(m, x.failed(err)) || err != nil {
				return
			}
		}
	}
}

// resolve reads a client's set: numbers, UIDs or what the last SEARCH saved.
func (v *view) resolve(set imap.NumSet) []span {
	if imap.IsSearchRes(set) {
		set = v.saved
	}
	return v.spans(set)
}

// Fetch (RFC 9051 section 6.4.5).
func (x *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	v := x.view
	spans := v.resolve(set)
	if marksSeen(o) && !v.readOnly && v.kind != ofHeld {
		if err := x.mark(v, spans); err != nil {
			return err
		}
		seen := *o
		seen.Flags = true
		o = &seen
	}
	_, byUID := set.(imap.UIDSet)
	for m, err := range x.messages(v, spans) {
		if err != nil {
			return err
		}
		if err := x.fetch(w, m, o, byUID); err != nil {
			return err
		}
		if x.ctx.Err() != nil {
			return x.ctx.Err()
		}
	}
	return nil
}

func marksSeen(o *imap.FetchOptions) bool {
	for _, s := range o.BodySection {
		if !s.Peek {
			return true
		}
	}
	for _, s := range o.BinarySection {
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
			list, number := v.place(v.uid(seq))
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

// fetch writes one response. All that may fail is read before it begins.
func (x *session) fetch(w *imapserver.FetchWriter, m *message, o *imap.FetchOptions, byUID bool) error {
	sections, err := x.sections(m, o)
	if err != nil {
		return err
	}
	var flags store.Flags
	if o.Flags {
		if flags, err = x.loadFlags(m.v, m.list); err != nil {
			return err
		}
	}
	r := w.CreateMessage(m.seq)
	if o.UID || byUID {
		r.WriteUID(imap.UID(m.uid))
	}
	if o.Flags {
		r.WriteFlags(flagsOf(flags, m.number))
	}
	if o.InternalDate {
		r.WriteInternalDate(m.post.Received)
	}
	if o.RFC822Size {
		r.WriteRFC822Size(m.post.Size)
	}
	if o.Envelope {
		e, err := archive.DecodeEnvelope(m.post.Envelope)
		if err != nil {
			e = &imap.Envelope{}
		}
		r.WriteEnvelope(e)
	}
	if o.BodyStructure != nil {
		r.WriteBodyStructure(structure(m.post.Structure))
	}
	for i, s := range o.BodySection {
		if err := write(r.WriteBodySection(s, int64(len(sections.body[i]))), sections.body[i]); err != nil {
			return err
		}
	}
	for i, s := range o.BinarySection {
		if err := write(r.WriteBinarySection(s, int64(len(sections.binary[i]))), sections.binary[i]); err != nil {
			return err
		}
	}
	for i, s := range o.BinarySectionSize {
		r.WriteBinarySectionSize(s, sections.sizes[i])
	}
	return r.Close()
}

func write(w io.WriteCloser, b []byte) error {
	_, err := w.Write(b)
	return errors.Join(err, w.Close())
}

// structure falls back to what every message is at least.
func structure(b []byte) imap.BodyStructure {
	if bs, err := archive.DecodeStructure(b); err == nil && bs != nil {
		return bs
	}
	return &imap.BodyStructureSinglePart{Type: "text", Subtype: "plain", Encoding: "7bit",
		Text: &imap.BodyStructureText{}, Extended: &imap.BodyStructureSinglePartExt{}}
}

type sections struct {
	body, binary [][]byte
	sizes        []uint32
}

func (x *session) sections(m *message, o *imap.FetchOptions) (s sections, err error) {
	if len(o.BodySection)+len(o.BinarySection)+len(o.BinarySectionSize) == 0 {
		return s, nil
	}
	raw, err := m.bytes()
	if err != nil {
		return s, err
	}
	for _, want := range o.BodySection {
		var root *archive.Part
		if len(want.Part) > 0 || want.Specifier != imap.PartSpecifierNone {
			if root, err = m.tree(); err != nil {
				return s, err
			}
		}
		s.body = append(s.body, withoutNUL(cut(section(raw, root, want), want.Partial)))
	}
	for _, want := range o.BinarySection {
		b, err := x.binary(m, want.Part)
		if err != nil {
			return s, err
		}
		s.binary = append(s.binary, cut(b, want.Partial))
	}
	for _, want := range o.BinarySectionSize {
		b, err := x.binary(m, want.Part)
		if err != nil {
			return s, err
		}
		s.sizes = append(s.sizes, uint32(len(b)))
	}
	return s, nil
}

// binary is a part without its transfer encoding, RFC 3516.
func (x *session) binary(m *message, path []int) ([]byte, error) {
	root, err := m.tree()
	if err != nil {
		return nil, err
	}
	if len(path) == 0 {
		return m.raw, nil
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

// withoutNUL keeps NUL from clients: literals cannot hold it (RFC 9051 section 4.3).
func withoutNUL(b []byte) []byte {
	if bytes.IndexByte(b, 0) < 0 {
		return b
	}
	return bytes.ReplaceAll(b, []byte{0}, []byte{0x80})
}
