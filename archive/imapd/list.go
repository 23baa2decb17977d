package imapd

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

// list (RFC 9051 section 6.3.9, with LIST-EXTENDED and LIST-STATUS).
func (x *session) list(c *wire.Command) (string, error) {
	c.SP()
	o := c.ListCommand()
	if err := c.End(); err != nil {
		return "", err
	}
	if len(o.Patterns) == 1 && o.Patterns[0] == "" && !o.SelectSubscribed {
		x.out.List("LIST", &imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
		return "", nil
	}
	return "", x.writeList("LIST", o)
}

// lsub (RFC 3501 section 6.3.9).
func (x *session) lsub(c *wire.Command) (string, error) {
	c.SP()
	o := c.Lsub()
	if err := c.End(); err != nil {
		return "", err
	}
	return "", x.writeList("LSUB", o)
}

// listing is one answer to LIST before it is written.
type listing struct {
	mailbox
	subscribed bool
	gone       bool // subscribed to, and there no more or not to be read
}

func (x *session) writeList(answer string, o *wire.List) error {
	all, err := x.listings()
	if err != nil {
		return err
	}
	for _, l := range all {
		below := o.SelectRecursiveMatch && subscribedBelow(all, l.name, o)
		switch {
		case o.SelectSpecialUse, !matchesAny(o, l.name):
			continue
		case o.SelectSubscribed && !l.subscribed && !below, !o.SelectSubscribed && l.gone:
			continue
		}
		data := &imap.ListData{Delim: delimiter, Mailbox: l.name, Attrs: attributes(l, all)}
		if l.subscribed && answer == "LIST" && (o.SelectSubscribed || o.ReturnSubscribed) {
			data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
		}
		if below {
			data.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
		}
		if x.out.List(answer, data); o.ReturnStatus == nil || l.gone {
			continue
		}
		status, err := x.status(l.mailbox, o.ReturnStatus)
		if err != nil {
			return err
		}
		x.out.StatusData(o.ReturnStatus, status)
	}
	return nil
}

// listings are the mailboxes that the session may read, then what it subscribed to beside them.
func (x *session) listings() (all []listing, err error) {
	boxes, err := x.mailboxes()
	if err != nil {
		return nil, err
	}
	subscribed, err := x.subscriptions(boxes)
	if err != nil {
		return nil, err
	}
	for _, m := range boxes {
		all = append(all, listing{mailbox: m, subscribed: slices.Contains(subscribed, m.name)})
	}
	for _, name := range subscribed {
		if !slices.ContainsFunc(boxes, func(m mailbox) bool { return m.name == name }) {
			all = append(all, listing{mailbox: mailbox{name: name}, subscribed: true, gone: true})
		}
	}
	return all, nil
}

// subscribedBelow tells whether a mailbox below a name is subscribed that the patterns do not show, RECURSIVEMATCH.
func subscribedBelow(all []listing, name string, o *wire.List) bool {
	return slices.ContainsFunc(all, func(l listing) bool {
		return l.subscribed && strings.HasPrefix(l.name, name+string(delimiter)) && !matchesAny(o, l.name)
	})
}

func matchesAny(o *wire.List, name string) bool {
	return slices.ContainsFunc(o.Patterns, func(p string) bool {
		if p = o.Ref + p; len(p) > maxPattern {
			return false
		}
		if name == inboxName {
			p = strings.ToUpper(p)
		}
		return matchMailbox(p, name)
	})
}

func attributes(l listing, all []listing) []imap.MailboxAttr {
	switch {
	case l.gone:
		return []imap.MailboxAttr{imap.MailboxAttrNonExistent}
	case slices.ContainsFunc(all, func(other listing) bool {
		return !other.gone && strings.HasPrefix(other.name, l.name+string(delimiter))
	}):
		return []imap.MailboxAttr{imap.MailboxAttrHasChildren}
	}
	return []imap.MailboxAttr{imap.MailboxAttrHasNoChildren}
}
