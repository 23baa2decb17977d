package imapd

import (
	"errors"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/store"
)

const delimiter = '/'

// kind of mailbox.
type kind int

const (
	ofList kind = iota
	ofInbox
	ofHeld
	ofRejected // always empty: where a held post is moved to be rejected
)

// mailbox is one that the account may read.
type mailbox struct {
	kind   kind
	name   string
	list   store.List // zero for INBOX
	member bool       // the account is a member of the list
}

const (
	inboxName      = "INBOX"
	heldSuffix     = "/Held"
	rejectedSuffix = "/Rejected"
)

// errNoMailbox answers for a mailbox that does not exist and for one that the account may not read alike.
var errNoMailbox = no(imap.ResponseCodeNonExistent, "There is no such mailbox")

// failed hides the cause from the client.
// errDamaged: a message is there and cannot be read (RFC 5530).
var errDamaged = no(imap.ResponseCodeCorruption, "A message is damaged: the administrators find out more with `sangam check`")

func (x *session) failed(err error) error {
	var known *imap.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	x.server.Log.Error("IMAP command failed", "account", x.account, "cause", err)
	if store.IsDamage(err) {
		return errDamaged
	}
	return no(imap.ResponseCodeServerBug, "The archive cannot be read now: try again later")
}

// membership of the session in a list; ok is false for others and strangers.
func (x *session) membership(l store.List) (m store.Member, ok bool) {
	if x.account == "" {
		return m, false
	}
	m, err := x.server.Store.Member(l.ID, x.account)
	return m, err == nil
}

// open finds a mailbox by name.
func (x *session) open(name string) (mailbox, error) {
	if strings.EqualFold(name, inboxName) {
		if x.account == "" {
			return mailbox{}, errNoMailbox
		}
		return mailbox{kind: ofInbox, name: inboxName}, nil
	}
	k, base := ofList, name
	if b, ok := strings.CutSuffix(name, heldSuffix); ok {
		k, base = ofHeld, b
	} else if b, ok := strings.CutSuffix(name, rejectedSuffix); ok {
		k, base = ofRejected, b
	}
	l, err := x.server.Store.ListByMailboxName(base, x.server.DefaultDomain)
	if errors.Is(err, store.ErrNotFound) {
		return mailbox{}, errNoMailbox
	}
	if err != nil {
		return mailbox{}, x.failed(err)
	}
	m, member := x.membership(l)
	if base != l.MailboxName(x.server.DefaultDomain) || k == ofList && !l.ReadableBy(member) || k != ofList && (!member || m.Role == store.RoleMember) {
		return mailbox{}, errNoMailbox
	}
	return mailbox{k, name, l, member}, nil
}

// mailboxes that the session may read, INBOX first, then by name.
func (x *session) mailboxes() ([]mailbox, error) {
	lists, err := x.server.Store.Lists()
	if err != nil {
		return nil, x.failed(err)
	}
	roles := map[uint64]store.Role{}
	var all []mailbox
	if x.account != "" {
		all = append(all, mailbox{kind: ofInbox, name: inboxName})
		ms, err := x.server.Store.MembershipsOf(x.account)
		if err != nil {
			return nil, x.failed(err)
		}
		for _, m := range ms {
			roles[m.List] = m.Role
		}
	}
	for _, l := range lists {
		role, member := roles[l.ID]
		name := l.MailboxName(x.server.DefaultDomain)
		if l.ReadableBy(member) {
			all = append(all, mailbox{ofList, name, l, member})
		}
		if member && role != store.RoleMember {
			all = append(all, mailbox{ofHeld, name + heldSuffix, l, member}, mailbox{ofRejected, name + rejectedSuffix, l, member})
		}
	}
	return all, nil
}
