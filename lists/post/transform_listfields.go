package post

import "net/url"

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
