package post

import (
	"encoding/hex"
	"time"
)

// newMessageID is made from the content, so that the same message sent again has the same.
func (p *Post) newMessageID(site Site) string {
	return hex.EncodeToString(p.Described.Post.Content[:12]) + "@" + site.Hostname
}

// identify adds what every message must have (RFC 5322 section 3.6).
func identify(c context, m *message) {
	if c.Described.Post.MessageID == "" {
		m.set("Message-ID", "<"+c.newMessageID(c.site)+">")
	}
	if c.Header.Get("Date") == "" {
		m.set("Date", c.Received.Format(time.RFC1123Z))
	}
}
