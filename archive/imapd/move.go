package imapd

import (
	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

func (x *session) copy(c *wire.Command) (string, error) {
	if _, _, err := setAndMailbox(c, c.Name == "UID COPY"); err != nil {
		return "", err
	}
	return "", no(imap.ResponseCodeCannot, "Posts cannot be copied to a list: post by mail to the list's address")
}

func setAndMailbox(c *wire.Command, byUID bool) (set imap.NumSet, name string, err error) {
	c.SP()
	set = c.NumSet(byUID)
	c.SP()
	name = c.AString()
	return set, name, c.End()
}

// move decides about held posts: to the list approves, to Rejected rejects.
func (x *session) move(c *wire.Command) (string, error) {
	set, name, err := setAndMailbox(c, c.Name == "UID MOVE")
	v := x.view
	switch {
	case err != nil:
		return "", err
	case v.kind != ofHeld:
		return "", unchangeable()
	case v.readOnly:
		return "", no("", "The mailbox is open read-only: SELECT it to decide about posts")
	}
	m, err := x.open(name)
	if err != nil || m.list.ID != v.list.ID || m.kind != ofList && m.kind != ofRejected {
		return "", no(imap.ResponseCodeTryCreate, "Move held posts to the list to approve them, or to its Rejected mailbox to reject them")
	}
	var uids []uint32
	for _, s := range v.resolve(set) {
		for seq := s.from; seq <= s.to; seq++ {
			uids = append(uids, v.uid(seq))
		}
	}
	for _, uid := range uids {
		if err := x.decide(uid, m.kind == ofList); err != nil {
			return "", x.failed(err)
		}
		x.tellExpunge(v, uid)
	}
	return "", nil
}

func (x *session) decide(held uint32, approve bool) error {
	if !approve {
		return x.server.Moderator.Reject(x.ctx, uint64(held), "")
	}
	_, err := x.server.Moderator.Approve(x.ctx, uint64(held))
	return err
}
