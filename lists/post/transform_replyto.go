package post

import (
	"slices"
	"strings"
)

// setReplyTo puts the list first and keeps those whom the author named. From is not touched, so the author can be reached.
func setReplyTo(c context, m *message) {
	if c.List.ReplyTo != "list" {
		return
	}
	value := mailbox(c.List.Title, string(c.List.Address()))
	named := c.Header.Addresses("Reply-To")
	if raw := c.Header.Get("Reply-To"); len(named) > 0 && ASCII(raw) && !slices.Contains(named, c.List.Address()) {
		value += ", " + raw // with the names
	} else {
		for _, a := range named {
			if a != c.List.Address() {
				value += ", " + string(a)
			}
		}
	}
	m.set("Reply-To", strings.TrimRight(value, ", "))
}
