package imapd

import (
	"errors"
	"iter"

	"github.com/emersion/go-imap/v2"

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

// bytes of a message that was removed a moment ago, which the client does not know yet, are none.
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
	if errors.Is(err, store.ErrNotFound) {
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

// messages yields the messages of some runs of sequence numbers, in order. Those that were removed and not yet announced are left out.
func (x *session) messages(v *view, spans []span) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		each := x.oneByOne
		if v.kind == ofList {
			each = x.inRuns
		}
		for _, s := range spans {
			for m, err := range each(v, s) {
				if err == nil && m.post.Removed {
					continue
				}
				if err == nil {
					err = x.ctx.Err()
				}
				if !yield(m, err) || err != nil && !errors.Is(err, errDamaged) {
					return
				}
			}
		}
	}
}

// inRuns reads the posts of a list in batches.
func (x *session) inRuns(v *view, s span) iter.Seq2[*message, error] {
	return func(yield func(*message, error) bool) {
		for p, err := range x.server.Store.Posts(v.list.ID, uint64(v.uid(s.from)), uint64(v.uid(s.to))) {
			if err != nil {
				yield(nil, x.failed(err))
				return
			}
			uid := uint32(p.Number)
			seq, known := v.seq(uid)
			if !known {
				continue
			}
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
			m.list, m.number = v.place(seq)
			if !v.mine(m.list) {
				continue
			}
			err := m.read()
			if errors.Is(err, store.ErrNotFound) { // decided about by another moderator
				continue
			}
			if err = x.failed(err); !yield(m, err) || err != nil && !errors.Is(err, errDamaged) {
				return
			}
		}
	}
}

func (m *message) read() (err error) {
	if m.v.kind != ofHeld {
		m.post, err = m.x.server.Store.Post(m.list, m.number)
		return err
	}
	h, err := m.x.server.Store.HeldPost(m.number)
	if err == nil {
		_, err = m.bytes()
	}
	if err == nil {
		m.post = describeHeld(h, m.raw)
	}
	return err
}

// resolve reads a client's set: numbers, UIDs or what the last SEARCH saved.
func (v *view) resolve(set imap.NumSet) []span {
	if imap.IsSearchRes(set) {
		set = v.saved
	}
	return v.spans(set)
}
