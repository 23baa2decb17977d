package imapd

import (
	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

// statusCommand is STATUS (RFC 9051 section 6.3.11).
func (x *session) statusCommand(c *wire.Command) (string, error) {
	c.SP()
	name := c.AString()
	c.SP()
	o := c.Status()
	if err := c.End(); err != nil {
		return "", err
	}
	m, err := x.open(name)
	if err != nil {
		return "", err
	}
	data, err := x.status(m, o)
	if err != nil {
		return "", err
	}
	x.out.StatusData(o, data)
	return "", nil
}

func (x *session) status(m mailbox, o *imap.StatusOptions) (*imap.StatusData, error) {
	v, err := x.fresh(m)
	if err != nil {
		return nil, err
	}
	n := v.len()
	data := &imap.StatusData{Mailbox: m.name, NumMessages: &n}
	if data.UIDValidity, data.UIDNext, err = x.uids(m); err != nil {
		return nil, err
	}
	if o.NumUnseen {
		unseen, _, _, err := x.unseen(v)
		if err != nil {
			return nil, err
		}
		data.NumUnseen = &unseen
	}
	if o.Size {
		size, err := x.size(v)
		if err != nil {
			return nil, err
		}
		data.Size = &size
	}
	return data, nil
}

func (x *session) size(v *view) (size int64, err error) {
	if v.kind == ofList {
		log, err := x.server.Store.Log(v.list.ID)
		return int64(log.Bytes), x.failed(err)
	}
	for m, err := range x.messages(v, []span{{1, v.len()}}) {
		if err != nil {
			return 0, err
		}
		size += m.post.Size
	}
	return size, nil
}
