package imapd

import (
	"slices"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

var systemFlags = []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged}

// selectMailbox is SELECT and EXAMINE (RFC 9051 section 6.3.2). When it fails no mailbox is selected.
func (x *session) selectMailbox(c *wire.Command) (string, error) {
	c.SP()
	name := c.AString()
	if err := c.End(); err != nil {
		return "", err
	}
	if x.view != nil {
		x.view = nil
		x.out.Status("*", imap.StatusResponseTypeOK, "CLOSED", "The mailbox before is closed")
	}
	m, err := x.open(name)
	if err != nil {
		return "", err
	}
	before := &view{mailbox: m}
	x.watch(before)
	v, err := x.fresh(m)
	if err != nil {
		return "", err
	}
	v.posts, v.flagging, v.readOnly = before.posts, before.flagging, c.Name == "EXAMINE"
	if err := x.describe(v); err != nil {
		return "", err
	}
	x.view = v
	if v.readOnly {
		return "[READ-ONLY] EXAMINE completed", nil
	}
	return "[READ-WRITE] SELECT completed", nil
}

// describe tells what a mailbox holds.
func (x *session) describe(v *view) error {
	validity, next, err := x.uids(v.mailbox)
	if err != nil {
		return err
	}
	unseen, first, keywords, err := x.unseen(v)
	if err != nil {
		return err
	}
	flags := append(slices.Clone(systemFlags), keywords...)
	x.out.Raw("* FLAGS ").Flags(flags).Raw("\r\n* ").Number(int64(v.len())).Raw(" EXISTS\r\n")
	if !x.rev2 {
		x.out.Raw("* 0 RECENT\r\n")
		if unseen > 0 {
			x.out.Raw("* OK [UNSEEN ").Number(int64(first)).Raw("] The first that is not seen\r\n")
		}
	}
	x.out.Raw("* OK [PERMANENTFLAGS ")
	if !v.readOnly && x.account != "" && (v.kind == ofList || v.kind == ofInbox) {
		x.out.Flags(append(flags, imap.FlagWildcard))
	} else {
		x.out.Raw("()")
	}
	x.out.Raw("] Kept for your account\r\n* OK [UIDVALIDITY ").Number(int64(validity)).Raw("] For ever\r\n")
	x.out.Raw("* OK [UIDNEXT ").Number(int64(next)).Raw("] The next\r\n")
	if x.rev2 {
		x.out.List("LIST", &imap.ListData{Delim: delimiter, Mailbox: v.name})
	}
	return nil
}

// unselect is also CLOSE: there is nothing to expunge.
func (x *session) unselect(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	x.view = nil
	return "", nil
}
