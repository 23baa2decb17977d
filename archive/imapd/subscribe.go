package imapd

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

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
		if m.kind == ofInbox || x.account == "" || m.kind == ofList && m.member || m.kind == ofHeld {
			names = append(names, m.name)
		}
	}
	return names, nil
}

// subscribe (RFC 9051 section 6.3.7).
func (x *session) subscribe(c *wire.Command) (string, error) {
	c.SP()
	name := c.AString()
	if err := c.End(); err != nil {
		return "", err
	}
	m, err := x.open(name)
	if err != nil {
		return "", err
	}
	return "", x.changeSubscriptions(func(names []string) []string {
		if !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
		return names
	})
}

// unsubscribe takes any name, for a mailbox may be gone.
func (x *session) unsubscribe(c *wire.Command) (string, error) {
	c.SP()
	name := c.AString()
	if err := c.End(); err != nil {
		return "", err
	}
	return "", x.changeSubscriptions(func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
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
