package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Request is what a token stands for, for the page that asks.
type Request struct {
	List      store.List
	Address   store.Address // whom it concerns; empty for a held post
	Lines     []string      // what will be done
	Decisions []string      // words to choose from; empty: only yes or no
}

// Look reads what a token stands for and changes nothing. store.ErrNotFound.
func (c *Clerk) Look(token string) (Request, error) {
	token = strings.ToLower(token)
	if id, ok := c.Addresses.ReadHeld(token); ok {
		h, err := c.Store.HeldPost(id)
		if err != nil {
			return Request{}, err
		}
		l, err := c.Store.ListByID(h.List)
		return Request{List: l, Lines: []string{h.From, h.Subject}, Decisions: []string{"APPROVE", "TRUST", "REJECT", "DISCARD"}}, err
	}
	t, err := c.Store.Token(token, c.Now())
	if err != nil {
		return Request{}, err
	}
	l, err := c.listOf(t)
	r := Request{List: l, Address: t.Address, Lines: t.Lines}
	switch t.Purpose {
	case store.PurposeChange:
		r.Lines = []string{"CHANGE " + string(t.Other) + " " + string(t.Address)}
	case store.PurposeInvite:
		r.Lines = []string{"SUBSCRIBE " + string(l.Address())}
	case store.PurposeResume:
		r.Lines = []string{"SET " + string(l.Address()) + " MAIL"}
	case store.PurposeJoin:
		r.Lines, r.Decisions = []string{"ADD " + string(l.Address()) + " " + string(t.Address)}, []string{"APPROVE", "REJECT"}
	}
	return r, err
}

// listOf is the list of a token, zero when it has none; store.ErrNotFound when that is gone.
func (c *Clerk) listOf(t store.Token) (store.List, error) {
	if t.List == 0 {
		return store.List{}, nil
	}
	return c.Store.ListByID(t.List)
}

// Confirm takes a mail to a confirmation address. What a program wrote confirms nothing.
func (c *Clerk) Confirm(ctx context.Context, r lists.Route, m Mail) error {
	p := post.New(store.List{}, m.Sender, m.Raw, c.Now())
	p.Auth.Verified = m.Verified
	who, ok := author(p)
	if reason := p.Automatic(); reason != "" || !ok {
		c.Log.Info("discarded", "list", r.List.Name, "from", who.address, "sender", m.Sender, "reasons", []string{"confirmation: " + reason})
		return nil
	}
	answer, err := c.Redeem(ctx, r.List, r.Token, who.address, answerLines(m.Raw))
	if err != nil || answer.text == "" {
		return err
	}
	to := answer.to
	if to == "" {
		if to = who.address; !p.Signed() {
			return nil
		}
	}
	mail := notice.Mail{Name: "answer", List: answer.list, To: []store.Address{to}, Language: answer.lang, Attached: answer.attached,
		Values: notice.Values{"answers": answer.text}}
	if to == who.address {
		mail.InReplyTo, mail.Subject = p.Described.Post.MessageID, answerTo(p.Header.Text("Subject"))
	}
	return c.Office.Send(ctx, notice.Answer, mail)
}

// Answer to a confirmation.
type Answer struct {
	text     string
	to       store.Address // empty: who confirmed
	list     store.List
	lang     string
	attached []notice.Attachment
}

// Text for a page.
func (a Answer) Text() string { return a.text }

// refusals are words that withdraw a request.
var refusals = []string{"NO", "CANCEL", "REJECT", "STOP", "NON", "NEIN", "NÃO", "नहीं", "না", "نہیں", "இல்லை", "නැත", "होइन"}

// Redeem does what a token stands for, or what the words of an answer choose. The token ends last, so that a crash before the end lets the
// same mail do the rest. at is the list of the address that was answered; another's token is not known there. by is who answered, as far as they
// say so, for the language.
func (c *Clerk) Redeem(ctx context.Context, at store.List, token string, by store.Address, words []string) (Answer, error) {
	c.redeeming.Lock()
	defer c.redeeming.Unlock()
	token = strings.ToLower(strings.TrimSpace(token))
	if id, ok := c.Addresses.ReadHeld(token); ok {
		return c.redeemHeld(ctx, at, id, by, words)
	}
	unknown := func(l store.List) (Answer, error) {
		a := c.act(l, person{address: by})
		return Answer{text: a.say("token-unknown", nil), list: l, lang: a.lang}, nil
	}
	t, err := c.Store.Token(token, c.Now())
	if errors.Is(err, store.ErrNotFound) {
		return unknown(at)
	}
	if err != nil {
		return Answer{}, err
	}
	l, err := c.listOf(t)
	if errors.Is(err, store.ErrNotFound) || at.ID != 0 && t.List != 0 && at.ID != t.List {
		return unknown(at)
	}
	if err != nil {
		return Answer{}, err
	}
	a := c.act(l, person{t.Address, t.Mailbox, t.Name})
	a.confirmed, a.answered = true, true
	answer := func(text string) Answer { return Answer{text, t.Address, l, a.lang, a.attached} }
	if t.Purpose == store.PurposeJoin {
		return c.redeemJoin(ctx, a, t, l, by, words)
	}
	if first := firstWord(words); slices.Contains(refusals, first) {
		return answer(a.say("cancelled", nil)), c.Store.DropToken(t)
	}
	switch t.Purpose {
	case store.PurposeChange:
		if err := c.Store.Agree(token, t.Address); err != nil {
			return Answer{}, err
		}
		t.Agreed = append(t.Agreed, t.Address)
		text, err := a.changeWhenAgreed(t)
		return answer(text), err
	case store.PurposeInvite:
		a.invited = true
		t.Lines = []string{strings.TrimSpace("SUBSCRIBE " + string(l.Address()) + " " + t.Name)}
	case store.PurposeResume:
		if err := c.Members.Resume(l, t.Address); err != nil && !errors.Is(err, store.ErrNotFound) {
			return Answer{}, err
		}
		return answer(a.sayOf(l, "resumed", nil)), c.Store.DropToken(t)
	}
	if err := a.runAll(ctx, t.Lines); err != nil {
		return Answer{}, err
	}
	return answer(strings.Join(a.answers, "\n\n")), c.Store.DropToken(t)
}

func firstWord(words []string) string {
	if len(words) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(words[0], " ")
	return strings.ToUpper(strings.Trim(first, ".,;:!*\"'"))
}

// answerLines are what somebody wrote above the quote, or below it when nothing above decides.
func answerLines(raw []byte) []string {
	body := archive.Read(raw)
	lines := body.Own(maxLines, true)
	if word, _ := decision(lines); word != "" {
		return lines
	}
	return body.Own(maxLines, false)
}

// synonyms of the words that decide.
var synonyms = map[string]string{"APPROVE": "APPROVE", "APPROVED": "APPROVE", "ACCEPT": "APPROVE", "OK": "APPROVE", "YES": "APPROVE",
	"TRUST": "TRUST", "TRUSTED": "TRUST", "REJECT": "REJECT", "REJECTED": "REJECT", "REFUSE": "REJECT", "NO": "REJECT",
	"DISCARD": "DISCARD", "DISCARDED": "DISCARD", "DELETE": "DISCARD", "SPAM": "DISCARD"}

// maxBehind are the words that may stand behind one that decides: "approve this, please" is a decision, "trust me, this is spam" is none.
const maxBehind = 2

// decision reads the word that decides, and the reason, which is the rest. The word begins the first line; a synonym has that for itself,
// for "no idea" decides nothing. Below a greeting any of them may have a line for itself.
func decision(lines []string) (word, reason string) {
	for i, line := range lines {
		first := firstWord(lines[i:])
		word = synonyms[first]
		behind := len(strings.Fields(line)) - 1
		alone := behind == 0
		switch {
		case word == "", i > 0 && !alone, i == 0 && !alone && word != first, i == 0 && behind > maxBehind && word != "REJECT":
			continue
		case word != "REJECT":
			return word, ""
		}
		_, rest, _ := strings.Cut(line, " ")
		reason = strings.Join(append([]string{rest}, lines[i+1:]...), "\n")
		return word, cut(strings.TrimSpace(strings.TrimLeft(reason, ":,-. \n")), 2000)
	}
	return "", ""
}

// redeemHeld decides about a held post by the words of an answer.
func (c *Clerk) redeemHeld(ctx context.Context, at store.List, id uint64, by store.Address, words []string) (Answer, error) {
	a := c.act(at, person{address: by})
	answer := func(text string) (Answer, error) { return Answer{text: text, list: a.implied, lang: a.lang}, nil }
	h, err := c.Store.HeldPost(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && at.ID != 0 && at.ID != h.List {
		return answer(a.say("held-unknown", notice.Values{"id": fmt.Sprint(id)}))
	}
	if err != nil {
		return Answer{}, err
	}
	l, err := c.Store.ListByID(h.List)
	if err != nil {
		return Answer{}, err
	}
	a = c.act(l, person{address: by})
	word, reason := decision(words)
	if word == "" {
		return answer(a.say("held-word", nil))
	}
	text, err := a.decideOne(ctx, word, h, reason)
	if err != nil {
		return Answer{}, err
	}
	return answer(text)
}

// redeemJoin lets somebody in, or not, as a moderator says.
func (c *Clerk) redeemJoin(ctx context.Context, a *act, t store.Token, l store.List, by store.Address, words []string) (Answer, error) {
	staff := c.act(l, person{address: by})
	answer := Answer{list: l, lang: staff.lang}
	v := notice.Values{"member": string(t.Address)}
	switch word, reason := decision(words); word {
	case "APPROVE", "TRUST":
		m, err := c.Store.NewMember(l.ID, t.Mailbox, c.Now())
		if err != nil {
			return answer, err
		}
		m.Name = t.Name
		a.setAll(&m, t.Lines)
		if err := a.join(ctx, l, m); err != nil {
			return answer, err
		}
		answer.text = staff.sayOf(l, "join-approved", v)
	case "REJECT", "DISCARD":
		if err := c.Members.RefuseJoin(ctx, l, t.Address, reason); err != nil {
			return answer, err
		}
		answer.text = staff.sayOf(l, "join-refused", v)
	default:
		answer.text = staff.say("join-word", nil)
		return answer, nil
	}
	return answer, c.Store.DropToken(t)
}

// ok confirms by a command: OK TOKEN. Without one it is that of the request that the mail quotes.
func ok(a *act, ctx context.Context, c call) (string, error) {
	secret := a.quoted
	if len(c.args) > 0 {
		secret, c.args = strings.Trim(c.args[0], marks+"<>"), c.args[1:]
	}
	if secret == "" {
		return a.helpLine(*c.command), nil
	}
	var words []string
	if len(c.args) > 0 {
		words = []string{strings.Join(c.args, " ")}
	}
	answer, err := a.Redeem(ctx, a.implied, secret, a.who.address, words)
	if err != nil {
		return "", err
	}
	a.attached = append(a.attached, answer.attached...)
	if answer.text == "" {
		return "", nil
	}
	return answer.text, nil
}
