// Package notice writes every mail that the server sends in its own name: answers, requests for confirmation and notices, from texts in
// nine languages that a list may replace by its own. Its mail has a null return path and says that a program wrote it (RFC 3834), so that
// no program answers it.
package notice

import (
	"bytes"
	"crypto/rand"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode"

	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Attachment of a mail.
type Attachment struct {
	Filename string
	Type     string // media type; message/rfc822 goes unencoded
	Bytes    []byte
}

// Mail is one mail of the server.
type Mail struct {
	Name      string     // of the text: "confirm" is [mail.confirm]
	List      store.List // zero: mail of the site
	To        []store.Address
	Language  string // that of Language; empty: that of the list
	Values    Values
	ReplyTo   string // an address
	InReplyTo string // Message-ID of what it answers, without brackets
	Subject   string // in place of the text's own
	Attached  []Attachment
}

// replies are the mails that answer one of their recipient, whether it had a Message-ID or not (RFC 3834 section 5).
var replies = []string{"ack", "answer", "change", "confirm", "export", "held-author", "join-rejected", "join-waiting", "mistake", "rejected"}

// general values are filled in for every mail of a list.
var general = []string{"title", "list", "request", "owner", "help", "info", "index", "join", "leave", "server", "description"}

// ListValues are the addresses and names of a list that texts speak of.
func ListValues(l store.List, server string) Values {
	at := func(suffix string) string { return l.Name + suffix + "@" + l.Domain }
	v := Values{"server": server}
	if l.Name == "" {
		v["request"], v["owner"], v["title"] = "listserv@"+server, "postmaster@"+server, server
		return v
	}
	v["title"], v["description"] = Title(l), l.Description
	v["list"], v["request"], v["owner"], v["help"] = at(""), at("-request"), at("-owner"), at("-help")
	v["info"], v["index"], v["join"], v["leave"] = at("-info"), at("-index"), at("-join"), at("-leave")
	return v
}

// Title is what texts call a list.
func Title(l store.List) string {
	if l.Title != "" {
		return l.Title
	}
	return l.Name
}

// render makes the bytes of a mail.
func render(m Mail, own, server, hostname string, now time.Time) []byte {
	values := ListValues(m.List, server)
	maps.Copy(values, m.Values)
	for k, v := range values {
		values[k] = clean(v)
	}
	text, language := own, m.List.Language // owners write in the language of their list
	if text == "" {
		text, language = catalog()[m.Language][prefix+m.Name], m.Language
	}
	subject, body, _ := strings.Cut(clean(text), "\n")
	if subject = fill(subject, values); m.Subject != "" {
		subject = m.Subject
	}
	var to []string
	for _, a := range m.To {
		to = append(to, string(a))
	}
	shown := strings.Join(to, ", ")
	if len(to) > 1 {
		shown = values["owner"] // moderators need not know each other
	}
	var b bytes.Buffer
	head := func(name, value string) { b.WriteString(post.Field(name, clean(value))) }
	head("From", post.Phrase(values["title"])+" <"+values["request"]+">")
	head("To", shown)
	if m.ReplyTo != "" {
		head("Reply-To", m.ReplyTo)
	}
	head("Subject", post.Words(shorten(subject)))
	head("Date", now.Format(time.RFC1123Z))
	head("Message-ID", "<"+rand.Text()+"@"+hostname+">")
	if writable(m.InReplyTo) {
		head("In-Reply-To", "<"+m.InReplyTo+">")
		head("References", "<"+m.InReplyTo+">")
	}
	if m.InReplyTo != "" || slices.Contains(replies, m.Name) {
		head("Auto-Submitted", "auto-replied")
	} else {
		head("Auto-Submitted", "auto-generated")
	}
	head("X-Loop", values["request"]) // nobody holds or answers it, also where a forwarder has given it a return path
	head("X-Auto-Response-Suppress", "All")
	head("Precedence", "bulk")
	head("Content-Language", language)
	head("MIME-Version", "1.0")
	part := textPart(fill(body, values))
	if len(m.Attached) == 0 {
		b.Write(part)
		return b.Bytes()
	}
	boundary := "=_sangam_" + rand.Text()
	eight := ""
	for _, a := range m.Attached {
		if a.Type == "message/rfc822" && !post.ASCII(a.Bytes) {
			eight = "8bit"
		}
	}
	head("Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	if eight != "" {
		head("Content-Transfer-Encoding", eight)
	}
	b.WriteString("\r\n--" + boundary + "\r\n")
	b.Write(part)
	for _, a := range m.Attached {
		b.WriteString("\r\n--" + boundary + "\r\n")
		b.Write(a.part())
	}
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return b.Bytes()
}

// maxSubject in bytes: no program shows more.
const maxSubject = 300

func shorten(subject string) string {
	if len(subject) <= maxSubject {
		return subject
	}
	return strings.ToValidUTF8(subject[:maxSubject], "") + "…"
}

// writable tells whether a Message-ID can stand in a field as it is. A stranger chose it.
func writable(id string) bool {
	return id != "" && len(id) < 900 && strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) < 0
}

// part is the attachment with its header.
func (a Attachment) part() []byte {
	var b bytes.Buffer
	b.WriteString(post.Field("Content-Type", a.Type))
	b.WriteString(post.Field("Content-Disposition", a.disposition()))
	if a.Type == "message/rfc822" {
		if !post.ASCII(a.Bytes) {
			b.WriteString("Content-Transfer-Encoding: 8bit\r\n")
		}
		b.WriteString("\r\n")
		b.Write(a.Bytes)
		return b.Bytes()
	}
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	b.Write(post.Base64(a.Bytes))
	return b.Bytes()
}

// disposition names a file as it is, in the form of RFC 2231 when that is not ASCII.
func (a Attachment) disposition() string {
	if !post.ASCII([]byte(a.Filename)) {
		if value := mime.FormatMediaType("attachment", map[string]string{"filename": clean(a.Filename)}); value != "" {
			return value
		}
	}
	return `attachment; filename="` + strings.Map(plainName, a.Filename) + `"`
}

func plainName(r rune) rune {
	if r > ' ' && r < unicode.MaxASCII && r != '"' && r != '\\' && r != '/' {
		return r
	}
	return '-'
}

// textPart is a text as format=flowed (RFC 3676).
func textPart(text string) []byte { return post.TextPart(flow(text)+"\n", "; format=flowed") }

// clean keeps line ends of a value and no other control characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "�"))
}
