package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// subscribe joins who asks, or the address that is named, to a list.
func subscribe(a *act, ctx context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	l, who := c.list, a.who
	name, options := nameAndOptions(c.args)
	if len(name) == 1 && strings.Contains(name[0], "@") { // in the way of Majordomo
		other, err := a.other(name[0])
		if err != nil {
			return a.say("bad-address", notice.Values{"address": cut(name[0], 100)}), nil
		}
		who, name = other, nil
	}
	line := "SUBSCRIBE " + string(l.Address())
	if len(name) > 0 {
		who.name = cleanName(strings.Join(name, " "))
		line = strings.TrimSpace(line + " " + who.name)
	}
	if len(options) > 0 {
		line += " WITH " + strings.Join(options, " ")
	}
	m, err := a.Store.NewMember(l.ID, who.mailbox, a.Now())
	if err != nil {
		return a.say("bad-address", notice.Values{"address": cut(who.mailbox, 100)}), nil
	}
	m.Name = who.name
	if text := a.setAll(&m, options); text != "" {
		return text, nil
	}
	if who.address != a.who.address {
		return a.subscribeOther(who, l, line)
	}
	if _, err := a.Store.Member(l.ID, who.address); err == nil && len(options) > 0 {
		return set(a, ctx, call{command: find("SET"), target: c.target, args: options})
	} else if err == nil {
		return a.sayOf(l, "already-member", nil), nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if text, err := a.refused(l, who); text != "" || err != nil {
		return text, err
	}
	switch {
	case !a.confirmed || l.Join != "open" && !a.answered:
		return a.later(who, l, line), nil
	case l.Join == "approve" && !a.invited:
		return "", a.Members.AskToJoin(ctx, l, who.mailbox, who.name, options)
	}
	return "", a.join(ctx, l, m)
}

// subscribeOther asks somebody else. Nothing about them is told, and who is banned gets no mail.
func (a *act) subscribeOther(who person, l store.List, line string) (string, error) {
	if l.Join == "closed" {
		return a.sayOf(l, "join-closed", nil), nil
	}
	banned, err := a.Store.Banned(l.ID, who.address)
	if banned || err != nil {
		return a.say("confirm-sent", notice.Values{"member": string(who.address)}), err
	}
	return a.later(who, l, line), nil
}

// refused says why somebody cannot join, whatever they confirm.
func (a *act) refused(l store.List, who person) (string, error) {
	if l.Join == "closed" && !a.invited {
		return a.sayOf(l, "join-closed", nil), nil
	}
	banned, err := a.Store.Banned(l.ID, who.address)
	if banned && err == nil {
		return a.sayOf(l, "banned", nil), nil
	}
	return "", err
}

// fillers are words that people write around a command and that are no name.
var fillers = regexp.MustCompile(`(?i)^((me|my|i|to|this|the|your|list|mailing|please|from|in|address|e-?mail|mail|add|now|thanks?|thank you)[.,! ]*)+$`)

// nameAndOptions divides what stands behind the list: a name, and options behind WITH. A single word that is a mode is an option too, in the
// way of Mailman.
func nameAndOptions(args []string) (name, options []string) {
	if at := slices.IndexFunc(args, func(w string) bool { return strings.EqualFold(w, "WITH") }); at >= 0 {
		args, options = args[:at], args[at+1:]
	}
	switch {
	case len(args) == 1 && options == nil && slices.Contains([]string{"DIGEST", "INDEX", "NOMAIL"}, strings.ToUpper(args[0])):
		return nil, args
	case fillers.MatchString(strings.Join(args, " ")):
		return nil, options
	}
	return args, options
}

// join makes somebody a member; the welcome says so.
func (a *act) join(ctx context.Context, l store.List, m store.Member) error {
	err := a.Members.Add(ctx, l, m, false)
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// other is somebody else than who asks.
func (a *act) other(word string) (person, error) {
	mailbox := mailAddress(word)
	address, err := store.ParseAddress(mailbox)
	if address == a.who.address {
		return a.who, nil
	}
	return person{address: address, mailbox: mailbox}, err
}

// unsubscribe ends a membership, or all of them.
func unsubscribe(a *act, ctx context.Context, c call) (string, error) {
	who := a.who
	if len(c.args) > 0 && strings.Contains(c.args[0], "@") {
		other, err := a.other(c.args[0])
		if err != nil {
			return a.say("bad-address", notice.Values{"address": cut(c.args[0], 100)}), nil
		}
		who = other
	}
	var ls []store.List
	if !c.all {
		ls = []store.List{c.list}
	}
	ms, err := a.memberships(who.address, ls)
	if err != nil {
		return "", err
	}
	if who.address != a.who.address {
		if len(ms) > 0 {
			return a.later(who, c.list, unsubscribeLine(c)), nil
		}
		return a.say("confirm-sent", notice.Values{"member": string(who.address)}), nil // as if: nothing about others is told to strangers
	}
	switch {
	case len(ms) == 0 && c.all:
		return a.say("left-nothing", notice.Values{"member": string(who.address)}), nil
	case len(ms) == 0:
		return a.sayOf(c.list, "not-member-hint", nil), nil
	case !a.confirmed:
		return a.later(who, c.list, unsubscribeLine(c)), nil
	}
	for _, m := range ms {
		l, err := a.Store.ListByID(m.List)
		if err != nil {
			return "", err
		}
		if err := a.Members.Remove(ctx, l, m.Address, false); err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
	}
	return "", nil
}

func unsubscribeLine(c call) string {
	if c.all {
		return "UNSUBSCRIBE *"
	}
	return "UNSUBSCRIBE " + string(c.list.Address())
}

// memberships of an address on some lists (nil: all).
func (a *act) memberships(address store.Address, ls []store.List) ([]store.Member, error) {
	if ls == nil {
		return a.Store.MembershipsOf(address)
	}
	var ms []store.Member
	for _, l := range ls {
		m, err := a.Store.Member(l.ID, address)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// change asks both addresses whether mail shall go to another one.
func change(a *act, ctx context.Context, c call) (string, error) {
	if len(c.args) > 0 && strings.EqualFold(c.args[0], "ADDRESS") {
		c.args = c.args[1:]
	}
	if len(c.args) == 0 {
		return a.say("need-address", nil), nil
	}
	other, err := a.other(c.args[len(c.args)-1])
	if err == nil && other.address == a.who.address {
		return a.say("need-address", nil), nil
	}
	if err != nil {
		return a.say("bad-address", notice.Values{"address": cut(c.args[len(c.args)-1], 100)}), nil
	}
	ms, err := a.Store.MembershipsOf(a.who.address)
	if err != nil {
		return "", err
	}
	if len(ms) == 0 {
		return a.say("no-memberships", notice.Values{"member": string(a.who.address)}), nil
	}
	for _, m := range ms {
		if banned, err := a.Store.Banned(m.List, other.address); err != nil || banned {
			return a.say("bad-address", notice.Values{"address": string(other.address)}), err
		}
	}
	if !a.confirmed {
		if err := a.askNew(ctx, other, nil); err != nil {
			return "", err
		}
		a.pending = append(a.pending, pending{a.who, store.List{}, "CHANGE " + other.mailbox})
		return a.say("confirm-sent", notice.Values{"member": string(a.who.address) + ", " + string(other.address)}), nil
	}
	t, err := a.Store.AgreeFor(other.address, a.who.address, a.Now())
	if errors.Is(err, store.ErrNotFound) {
		if err := a.askNew(ctx, other, []store.Address{a.who.address}); err != nil {
			return "", err
		}
		return a.say("confirm-sent", notice.Values{"member": string(other.address)}), nil
	}
	if err != nil {
		return "", err
	}
	return a.changeWhenAgreed(t)
}

// askNew mails the new address of a change.
func (a *act) askNew(ctx context.Context, other person, agreed []store.Address) error {
	if !a.Office.Admit(notice.Confirmation, a.client, other.address) {
		return nil
	}
	t := store.Token{Purpose: store.PurposeChange, Address: other.address, Mailbox: other.mailbox, Other: a.who.address, Agreed: agreed,
		Created: a.Now(), Expires: a.Now().Add(store.TokenLife)}
	secret, err := a.Store.NewToken(t)
	if err != nil {
		return err
	}
	return a.Office.Send(ctx, notice.Notice, notice.Mail{Name: "change", To: []store.Address{other.address}, Language: a.lang,
		ReplyTo: a.Addresses.Confirm(store.List{}, secret), Values: notice.Values{"new": string(other.address), "old": string(a.who.address),
			"link": a.link(secret), "until": t.Expires.Format("2006-01-02")}})
}

// changeWhenAgreed makes the change when both addresses have agreed.
func (a *act) changeWhenAgreed(t store.Token) (string, error) {
	for _, needed := range []store.Address{t.Address, t.Other} {
		if !slices.Contains(t.Agreed, needed) {
			return a.say("change-half", notice.Values{"other": string(needed)}), nil
		}
	}
	moved, err := a.Store.ChangeAddress(t.Other, t.Address, t.Mailbox, a.Now())
	if err != nil {
		return "", err
	}
	a.Log.Info("changed", "from", t.Other, "to", t.Address, "memberships", moved)
	return a.say("changed", notice.Values{"new": string(t.Address), "count": fmt.Sprint(moved)}), a.Store.DropToken(t)
}
