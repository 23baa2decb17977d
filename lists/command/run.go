package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	p := post.New(store.List{}, m.Sender, m.Raw, c.Now())
	who, ok := author(p)
	log := []any{"list", r.List.Name, "from", who.address, "sender", m.Sender, "message_id", p.Described.Post.MessageID}
	if reason := p.Automatic(); reason != "" || !ok {
		c.Log.Info("discarded", append(log, "reasons", []string{"commands: " + reason})...)
		return nil
	}
	todo := []string{r.Line}
	if r.Line == "" {
		todo = lines(p.Header, m.Raw)
	}
	return c.do(ctx, r.List, who, p, m.Verified, todo)
}

// Mistaken does a command that came to the list itself, where it changes something, and tells its author that it was not distributed.
func (c *Clerk) Mistaken(ctx context.Context, p *post.Post, verified bool) error {
	who, ok := author(p)
	if !ok {
		return nil
	}
	line := p.CommandLine()
	err := c.Office.Send(ctx, notice.Answer, notice.Mail{Name: "mistake", List: p.List, To: []store.Address{who.address}, InReplyTo: p.Described.Post.MessageID,
		Values: notice.Values{"commands": "> " + cut(line, 200)}})
	if err == nil {
		if found, _ := read(line); found != nil && found.changes && found.onList && !found.staff {
			err = c.do(ctx, p.List, who, p, verified, []string{line})
		}
	}
	return err
}

func author(p *post.Post) (person, bool) {
	authors := p.Header.Mailboxes("From")
	if len(authors) == 0 {
		return person{}, false
	}
	a, err := store.ParseAddress(authors[0].Address)
	if err != nil {
		return person{}, false
	}
	return person{address: a, mailbox: authors[0].Address, name: cut(authors[0].Name, 200)}, true
}

func (c *Clerk) do(ctx context.Context, l store.List, who person, p *post.Post, verified bool, todo []string) error {
	a := c.act(l, who)
	a.confirmed = verified
	answerable := verified || p.Sender == who.address
	if err := a.runAll(ctx, todo); err != nil {
		return err
	}
	id := p.Described.Post.MessageID
	if err := a.request(ctx, id, answerable); err != nil {
		return err
	}
	if !answerable {
		c.Log.Info("discarded", "list", l.Name, "from", who.address, "sender", p.Sender, "message_id", id,
			"reasons", []string{"the answer, for the sender is another than the author"})
		return nil
	}
	return a.answer(ctx, who.address, id, p.Header.Text("Subject"))
}

// runAll does the commands one after the other.
func (a *act) runAll(ctx context.Context, todo []string) error {
	unknown, done := 0, 0
	for _, line := range todo {
		if ends(line) {
			break
		}
		c, rest := read(line)
		if c == nil {
			unknown++
			word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			a.add(line, a.unknown(word))
			if unknown == maxUnknown {
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
		text, err := a.one(ctx, c, line, words(rest))
		if err != nil {
			return err
		}
		a.add(line, text)
	}
	if done == 0 {
		if len(todo) == 0 {
			a.answers = append(a.answers, a.say("no-command", nil))
		}
		text, err := help(a, ctx, call{})
		if err != nil {
			return err
		}
		a.answers = append(a.answers, text)
	}
	return nil
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
func (a *act) one(ctx context.Context, c *command, line string, args []string) (string, error) {
	cl := call{command: c, args: args, line: line}
	if c.onList {
		text, err := a.aim(&cl)
		if text != "" || err != nil {
			return text, err
		}
		if c.staff && !staff(a.role(cl.list)) {
			return a.sayOf(cl.list, "owners-only", nil), nil
		}
	}
	return c.run(a, ctx, cl)
}

func staff(r store.Role) bool { return r == store.RoleModerator || r == store.RoleOwner }

// aim takes the list off the words of a command. A list that who asks may not know of is answered as one that does not exist.
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
		if a.implied.Name == "" {
			if c.name == "Query" || c.name == "UNSubscribe" && strings.EqualFold(c.args[0], "all") {
				c.all = true
				return "", nil
			}
			return a.say("no-list", notice.Values{"list": cut(c.args[0], 100)}), nil
		}
	}
	if c.list = a.implied; c.list.Name != "" {
		if strings.HasPrefix(strings.ToUpper(c.line), "WHICH") {
			c.all = true
		}
		return "", nil
	}
	if c.name == "Query" {
		c.all = true
		return "", nil
	}
	return a.say("name-list", nil), nil
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
		secret, err := a.Store.NewToken(t)
		if err != nil {
			return err
		}
		m := notice.Mail{Name: "confirm", List: l, To: []store.Address{first.who.address}, Language: a.lang, ReplyTo: a.Addresses.Confirm(l, secret),
			Values: notice.Values{"what": cut(t.Lines[0], 60), "member": string(first.who.address), "commands": "> " + strings.Join(t.Lines, "\n> "),
				"link": a.link(secret), "until": member.Day(t.Expires)}}
		if first.who.address == a.who.address && answerable {
			m.InReplyTo = answers
		}
		if l.Name != "" {
			m.Values["server"] = string(l.Address())
		}
		if err := a.Office.Send(ctx, notice.Confirmation, m); err != nil {
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
	if subject = strings.TrimSpace(answerMarks.ReplaceAllString(subject, "")); subject != "" {
		m.Subject = "Re: " + cut(subject, 200)
	}
	return a.Office.Send(ctx, notice.Answer, m)
}

// Ask does a command for an address that somebody gave, on the web: it is confirmed by mail, and answered only there.
func (c *Clerk) Ask(ctx context.Context, l store.List, mailbox, line string) error {
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
