package post

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"wesouthasians.org/sangam/archive"
)

// context of a transform.
type context struct {
	*Post
	site   Site
	number uint64
}

// transforms in the order in which they work.
var transforms = []struct {
	name string
	do   func(context, *message)
}{
	{"foreign fields", removeForeign},
	{"identity", identify},
	{"subject", prefixSubject},
	{"reply-to", setReplyTo},
	{"list fields", addListFields},
}

// Transform makes the bytes that the list distributes and archives: the author's message with the list's header and
// footer, subject prefix and fields. What differs from member to member is added by delivery. It is pure.
func Transform(site Site, p *Post, number uint64) []byte {
	raw := addTexts(p.Raw, p.List.Header, p.List.Footer)
	end := archive.Parse(raw).BodyStart
	m := split(raw[:end], raw[end:])
	for _, t := range transforms {
		t.do(context{p, site, number}, m)
	}
	return m.bytes()
}

// foreign fields are of an earlier list, ask for receipts, or tell what only the way to this list was meant to tell.
var foreign = []string{"archived-at", "precedence", "sender", "return-path", "bcc", "resent-bcc", "return-receipt-to",
	"return-receipt-requested", "disposition-notification-to", "disposition-notification-options", "x-confirm-reading-to",
	"x-pmrqc", "x-receipt-to", "delivered-to", "x-original-to", "envelope-to", "errors-to", "mailing-list", "x-mailing-list",
	"x-beenthere", "x-loop", "x-list", "x-mailman-version", "x-mailman-rule-hits", "x-mailman-rule-misses",
	"x-google-group-id", "x-sequence"}

func removeForeign(c context, m *message) {
	m.remove(func(name string) bool { return strings.HasPrefix(name, "list-") || slices.Contains(foreign, name) })
	kept := m.fields[:0]
	for _, f := range m.fields {
		if f.name != "authentication-results" || !claimedBy(f.raw, c.site.Hostname) {
			kept = append(kept, f)
		}
	}
	m.fields = kept
}

// claimedBy tells whether an Authentication-Results field has our name on it: nobody else may say so (RFC 8601 section 5).
func claimedBy(raw, hostname string) bool {
	_, value, _ := strings.Cut(raw, ":")
	id, _, _ := strings.Cut(value, ";")
	fields := strings.Fields(id)
	return len(fields) > 0 && strings.EqualFold(fields[0], hostname)
}

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

func setReplyTo(c context, m *message) {
	if c.List.ReplyTo != "list" {
		return
	}
	value := mailbox(c.List.Title, string(c.List.Address()))
	for _, a := range c.Header.Addresses("Reply-To") {
		if a != c.List.Address() && !strings.Contains(value, string(a)) {
			value += ", " + string(a)
		}
	}
	m.set("Reply-To", value)
}

// addListFields writes the fields of RFC 2369, RFC 2919 and RFC 5064 that are the same for every member.
func addListFields(c context, m *message) {
	l := c.List
	at := func(suffix string) string { return "<mailto:" + l.Name + suffix + "@" + l.Domain + ">" }
	title := l.Title
	if title == "" {
		title = l.Name
	}
	m.set("List-Id", Phrase(title)+" <"+l.Name+"."+l.Domain+">")
	if l.Post == "moderators" {
		m.set("List-Post", "NO")
	} else {
		m.set("List-Post", at(""))
	}
	m.set("List-Help", at("-help"))
	m.set("List-Subscribe", at("-join"))
	m.set("List-Owner", at("-owner"))
	if l.Archive != "off" {
		page := c.site.WebURL + "/" + url.PathEscape(l.MailboxName(c.site.DefaultDomain)) + "/"
		m.set("List-Archive", "<"+page+">")
		id := c.Described.Post.MessageID
		if id == "" {
			id = c.newMessageID(c.site)
		}
		m.set("Archived-At", "<"+page+"m/"+url.PathEscape(id)+">")
	}
	m.set("Precedence", "list")
}

// Phrase writes display text for a header field: as it is, quoted, or as encoded words.
func Phrase(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)), " ")
	plain := func(r rune) bool {
		return r == ' ' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r))
	}
	switch {
	case strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 || strings.Contains(s, "=?"):
		return mime.QEncoding.Encode("utf-8", s)
	case strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) >= 0:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

func mailbox(name, address string) string {
	if name == "" {
		return address
	}
	return Phrase(name) + " <" + address + ">"
}

// boundary for a multipart that wraps the message: the same each time it is made, found nowhere in it.
func boundary(raw []byte) string {
	return fmt.Sprintf("=_sangam_%x", sha256.Sum256(raw))[:40]
}
