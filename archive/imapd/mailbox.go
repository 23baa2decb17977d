package imapd

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

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
	kind kind
	name string
	list store.List // zero for INBOX
}

const (
	inboxName      = "INBOX"
	heldSuffix     = "/Held"
	rejectedSuffix = "/Rejected"
)

// errNoMailbox answers for a mailbox that does not exist and for one that the account may not read alike.
var errNoMailbox = no(imap.ResponseCodeNonExistent, "There is no such mailbox")

// failed hides the cause from the client.
func (x *session) failed(err error) error {
	var known *imap.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	x.server.Log.Error("IMAP command failed", "account", x.account, "cause", err)
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
	if k == ofList && !l.ReadableBy(member) || k != ofList && (!member || m.Role == store.RoleMember) {
		return mailbox{}, errNoMailbox
	}
	return mailbox{k, name, l}, nil
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
			all = append(all, mailbox{ofList, name, l})
		}
		if member && role != store.RoleMember {
			all = append(all, mailbox{ofHeld, name + heldSuffix, l}, mailbox{ofRejected, name + rejectedSuffix, l})
		}
	}
	return all, nil
}

// subscriptions of the account: at first INBOX and its own lists.
func (x *session) subscriptions(all []mailbox) ([]string, error) {
	if x.account != "" {
		names, ok, err := x.server.Store.Subscriptions(x.account)
		if ok || err != nil {
			return names, x.failed(err)
		}
	}
	var names []string
	for _, m := range all {
		_, member := x.membership(m.list)
		if m.kind == ofInbox || x.account == "" || m.kind == ofList && member || m.kind == ofHeld {
			names = append(names, m.name)
		}
	}
	return names, nil
}

// Subscribe (RFC 9051 section 6.3.7).
func (x *session) Subscribe(name string) error {
	m, err := x.open(name)
	if err != nil {
		return err
	}
	return x.changeSubscriptions(func(names []string) []string {
		if !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
		return names
	})
}

// Unsubscribe takes any name, for a mailbox may be gone.
func (x *session) Unsubscribe(name string) error {
	return x.changeSubscriptions(func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool {
			return n == name || strings.EqualFold(n, inboxName) && strings.EqualFold(name, inboxName)
		})
	})
}

func (x *session) changeSubscriptions(change func([]string) []string) error {
	if x.account == "" {
		return no(imap.ResponseCodeCannot, "Log in with an account to keep subscriptions")
	}
	all, err := x.mailboxes()
	if err != nil {
		return err
	}
	names, err := x.subscriptions(all)
	if err != nil {
		return err
	}
	return x.failed(x.server.Store.SetSubscriptions(x.account, change(slices.Clone(names))))
}

// List (RFC 9051 section 6.3.9, with LIST-EXTENDED and LIST-STATUS).
func (x *session) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if len(patterns) == 1 && patterns[0] == "" && !o.SelectSubscribed {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	all, err := x.mailboxes()
	if err != nil {
		return err
	}
	subscribed, err := x.subscriptions(all)
	if err != nil {
		return err
	}
	if o.SelectSubscribed {
		for _, name := range subscribed {
			if !slices.ContainsFunc(all, func(m mailbox) bool { return m.name == name }) {
				all = append(all, mailbox{kind: -1, name: name})
			}
		}
	}
	for _, m := range all {
		if !matchesAny(ref, patterns, m.name) || o.SelectSpecialUse {
			continue
		}
		is := slices.Contains(subscribed, m.name)
		if o.SelectSubscribed && !is {
			continue
		}
		data := &imap.ListData{Delim: delimiter, Mailbox: m.name, Attrs: attributes(m, all, is && (o.SelectSubscribed || o.ReturnSubscribed))}
		if o.ReturnStatus != nil && m.kind >= 0 {
			if data.Status, err = x.status(m, o.ReturnStatus); err != nil {
				return err
			}
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

func matchesAny(ref string, patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if p = ref + p; len(p) > maxPattern {
			return false
		}
		if strings.EqualFold(name, inboxName) {
			p = strings.ToUpper(p)
		}
		return matchMailbox(p, name)
	})
}

func attributes(m mailbox, all []mailbox, subscribed bool) []imap.MailboxAttr {
	attrs := []imap.MailboxAttr{imap.MailboxAttrHasNoChildren}
	if slices.ContainsFunc(all, func(other mailbox) bool { return strings.HasPrefix(other.name, m.name+string(delimiter)) }) {
		attrs[0] = imap.MailboxAttrHasChildren
	}
	if m.kind < 0 {
		attrs[0] = imap.MailboxAttrNonExistent
	}
	if subscribed {
		attrs = append(attrs, imap.MailboxAttrSubscribed)
	}
	return attrs
}
