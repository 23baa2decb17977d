package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// target is the list of a command.
type target struct {
	list store.List
	all  bool // *
}

// Take does the commands of a message that came to a command address, and answers. A message that a program wrote is dropped.
func (c *Clerk) Take(ctx context.Context, r lists.Route, m Mail) error {
	defer c.even(ctx, time.Now())
	p := post.New(store.List{}, m.Sender, m.Raw, c.Now())
	who, ok := author(p)
	if reason := p.Automatic(); reason != "" || !ok {
		c.Log.Info("discarded", "list", r.List.Name, "from", who.address, "sender", m.Sender, "message_id", p.Described.Post.MessageID,
			"reasons", []string{"commands: " + reason})
		return nil
	}
	a := c.act(r.List, who)
	a.confirmed, a.client = m.Verified && len(p.Authors()) == 1, m.Client
	if r.Line != "" {
		return a.do(ctx, p, []string{r.Line})
	}
	body := archive.Read(m.Raw)
	a.quoted = quotedToken(body.Text)
	return a.do(ctx, p, lines(p.Header, &body))
}

// Mistaken does a command that came to the list itself, where it changes something, and tells its author that it was not distributed.
func (c *Clerk) Mistaken(ctx context.Context, p *post.Post, m Mail) error {
	defer c.even(ctx, time.Now())
	who, ok := author(p)
	if !ok {
		return nil
	}
	line := p.CommandLine()
	err := c.Office.Send(ctx, notice.Answer, notice.Mail{Name: "mistake", List: p.List, To: []store.Address{who.address}, InReplyTo: p.Described.Post.MessageID,
		Values: notice.Values{"commands": "> " + cut(line, 200)}})
	if found, _, _ := read(line); err != nil || found == nil || !found.changes || !found.onList || found.staff {
		return err
	}
	a := c.act(p.List, who)
	a.confirmed, a.client = m.Verified && len(p.Authors()) == 1, m.Client
	return a.do(ctx, p, []string{line})
}

// author is the first address in From.
func author(p *post.Post) (person, bool) {
	authors := p.Header.Mailboxes("From")
	if len(authors) == 0 {
		return person{}, false
	}
	a, err := store.ParseAddress(authors[0].Address)
	if err != nil {
		return person{}, false
	}
	return person{address: a, mailbox: authors[0].Address, name: cleanName(authors[0].Name)}, true
}

var weblink = regexp.MustCompile(`(?i)://|\bwww\.`)

const maxNamed = 100 // bytes

// cleanName of a person is one line without links: it is shown to the person that the address belongs to, who may not have written it.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if weblink.MatchString(s) {
		return ""
	}
	return strings.TrimSpace(cut(strings.Join(strings.Fields(s), " "), maxNamed))
}

// do the commands of a mail, and answer its author who is known to have sent it.
func (a *act) do(ctx context.Context, p *post.Post, todo []string) error {
	answerable := a.confirmed || p.Signed()
	if err := a.runAll(ctx, todo); err != nil {
		return err
	}
	id := p.Described.Post.MessageID
	if err := a.request(ctx, id, answerable); err != nil {
		return err
	}
	if !answerable {
		a.Log.Info("discarded", "list", a.implied.Name, "from", a.who.address, "sender", p.Sender, "message_id", id,
			"reasons", []string{"the answer, for the sender is another than the author"})
		return nil
	}
	return a.answer(ctx, a.who.address, id, p.Header.Text("Subject"))
}

// runAll does the commands one after the other.
func (a *act) runAll(ctx context.Context, todo []string) error {
	unknown, strange, done := 0, false, 0
	for _, line := range todo {
		if ends(line) {
			break
		}
		c, word, rest := read(line)
		if c == nil {
			strange = true
			a.add(line, a.unknown(word))
			if unknown++; unknown == maxUnknown {
				a.answers = append(a.answers, a.say("unknown-end", nil))
				break
			}
			continue
		}
		unknown = 0
		if done++; done > maxCommands {
			a.answers = append(a.answers, a.say("too-many", notice.Values{"count": fmt.Sprint(maxCommands)}))
			break
		}
		text, err := a.one(ctx, call{command: c, word: word, args: words(rest), line: line})
		if err != nil {
			return err
		}
		a.add(line, text)
	}
	if len(todo) == 0 {
		a.answers = append(a.answers, a.say("no-command", nil))
	}
	if a.lost = done == 0; !strange && !a.lost {
		return nil
	}
	text, err := help(a, ctx, call{})
	a.answers = append(a.answers, text)
	return err
}

func (a *act) unknown(word string) string {
	if near := nearest(word); near != "" {
		return a.say("unknown-near", notice.Values{"command": cut(word, 60), "near": near})
	}
	return a.say("unknown", notice.Values{"command": cut(word, 60)})
}

// add an answer behind its command. An empty one needs no words: a mail of its own says it.
func (a *act) add(line, text string) {
	if text != "" {
		a.answers = append(a.answers, "> "+cut(line, 200)+"\n\n"+text)
	}
}

// one command.
func (a *act) one(ctx context.Context, c call) (string, error) {
	if c.onList {
		text, err := a.aim(&c)
		if text != "" || err != nil {
			return text, err
		}
		if c.staff && !staff(a.role(c.list)) {
			return a.sayOf(c.list, "owners-only", nil), nil
		}
	}
	return c.run(a, ctx, c)
}

func staff(r store.Role) bool { return r == store.RoleModerator || r == store.RoleOwner }

// aim takes the list off the words of a command: the one that they name, else the one whose address was written to.
func (a *act) aim(c *call) (string, error) {
	if len(c.args) > 0 {
		if c.args[0] == "*" {
			c.all, c.args = true, c.args[1:]
			return "", nil
		}
		l, err := a.Store.ListByMailboxName(mailAddress(c.args[0]), a.Default)
		if err == nil {
			c.list, c.args = l, c.args[1:]
			return "", nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
	}
	c.list = a.implied
	named := len(c.args) > 0
	switch {
	case c.name == "Query" && (c.word == "WHICH" || a.implied.Name == ""), c.name == "UNSubscribe" && named && strings.EqualFold(c.args[0], "all"):
		c.all = true
	case a.implied.Name != "":
	case named:
		return a.say("no-list", notice.Values{"list": cut(c.args[0], 100)}), nil
	default:
		return a.say("name-list", nil), nil
	}
	return "", nil
}

// later makes a command wait for the confirmation of an address, and says so.
func (a *act) later(who person, l store.List, line string) string {
	a.pending = append(a.pending, pending{who, l, line})
	return a.say("confirm-sent", notice.Values{"member": string(who.address)})
}

// request mails one request for all that waits for the same address.
func (a *act) request(ctx context.Context, answers string, answerable bool) error {
	for len(a.pending) > 0 {
		first := a.pending[0]
		t := store.Token{Purpose: store.PurposeConfirm, List: first.list.ID, Address: first.who.address, Mailbox: first.who.mailbox, Name: first.who.name,
			Created: a.Now(), Expires: a.Now().Add(store.TokenLife)}
		l, rest := first.list, a.pending[:0:0]
		for _, p := range a.pending {
			if p.who.address != first.who.address {
				rest = append(rest, p)
				continue
			}
			if p.list.ID != l.ID {
				t.List, l = 0, store.List{}
			}
			t.Lines = append(t.Lines, p.line)
		}
		a.pending = rest
		if !a.Office.Admit(notice.Confirmation, a.client, first.who.address) {
			continue // the request that was mailed before stays as it is
		}
		secret, err := a.Store.NewToken(t)
		if err != nil {
			return err
		}
		m := notice.Mail{Name: "confirm", List: l, To: []store.Address{first.who.address}, ReplyTo: a.Addresses.Confirm(l, secret),
			Values: notice.Values{"what": cut(t.Lines[0], 60), "member": string(first.who.address), "commands": "> " + strings.Join(t.Lines, "\n> "),
				"link": a.link(secret), "until": member.Day(t.Expires)}}
		if first.who.address == a.who.address && answerable {
			m.InReplyTo = answers
		}
		if l.Name != "" {
			m.Values["server"] = string(l.Address())
		}
		if err := a.Office.Send(ctx, notice.Notice, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *Clerk) link(secret string) string { return c.WebURL + "/c/" + secret }

// answer mails what there is to say.
func (a *act) answer(ctx context.Context, to store.Address, inReplyTo, subject string) error {
	// A request for confirmation says all that its own answers would.
	sent := "\n\n" + a.say("confirm-sent", notice.Values{"member": string(a.who.address)})
	if !slices.ContainsFunc(a.answers, func(text string) bool { return !strings.HasSuffix(text, sent) }) {
		return nil
	}
	m := notice.Mail{Name: "answer", List: a.implied, To: []store.Address{to}, Language: a.lang, InReplyTo: inReplyTo, Attached: a.attached,
		Values: notice.Values{"answers": strings.Join(a.answers, "\n\n")}}
	m.Subject = answerTo(subject)
	kind := notice.Answer
	if a.lost {
		kind = notice.Lost
	}
	return a.Office.Send(ctx, kind, m)
}

// answerTo is the subject of an answer to a mail with a subject; empty: that of the text.
func answerTo(subject string) string {
	if subject = strings.TrimSpace(answerMarks.ReplaceAllString(subject, "")); subject == "" {
		return ""
	}
	return "Re: " + cut(subject, 200)
}

// Ask does a command for an address that somebody gave, on the web: it is confirmed by mail, and answered only there.
func (c *Clerk) Ask(ctx context.Context, l store.List, mailbox, line string) error {
	defer c.even(ctx, time.Now())
	address, err := store.ParseAddress(mailbox)
	if err != nil {
		return err
	}
	a := c.act(l, person{address: address, mailbox: mailbox})
	if err := a.runAll(ctx, []string{line}); err != nil {
		return err
	}
	if err := a.request(ctx, "", false); err != nil {
		return err
	}
	return a.answer(ctx, address, "", "")
}
