package post

import (
	"net/url"

	"wesouthasians.org/sangam/store"
)

// addListFields writes the fields that say whose mail it is.
func addListFields(c context, m *message) {
	id := c.Described.Post.MessageID
	if id == "" {
		id = c.newMessageID(c.site)
	}
	for _, f := range ListFields(c.site, c.List) {
		m.set(f[0], f[1])
	}
	if c.List.Archive != "off" && !c.Unarchived() {
		m.set("Archived-At", "<"+page(c.site, c.List)+"m/"+url.PathEscape(id)+">")
	}
}

func page(site Site, l store.List) string {
	return site.WebURL + "/" + url.PathEscape(l.MailboxName(site.DefaultDomain)) + "/"
}

// ListFields are the names and values of the fields of RFC 2369 and RFC 2919 that are the same for all mail of a list to its members.
func ListFields(site Site, l store.List) [][2]string {
	at := func(suffix string) string { return "<mailto:" + l.Name + suffix + "@" + l.Domain + ">" }
	title := l.Title
	if title == "" {
		title = l.Name
	}
	to := at("")
	if l.Post == "moderators" {
		to = "NO"
	}
	fields := [][2]string{{"List-Id", Phrase(title) + " <" + l.Name + "." + l.Domain + ">"}, {"List-Post", to}, {"List-Help", at("-help")},
		{"List-Subscribe", at("-join")}, {"List-Owner", at("-owner")}}
	if l.Archive != "off" {
		fields = append(fields, [2]string{"List-Archive", "<" + page(site, l) + ">"})
	}
	return append(fields, [2]string{"Precedence", "list"})
}
