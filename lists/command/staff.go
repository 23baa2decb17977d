package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// named reads the address and the name behind a command of the staff.
func (a *act) named(c call) (who person, bad string) {
	if c.all {
		return who, a.say("name-list", nil)
	}
	if len(c.args) == 0 {
		return who, a.say("need-address", nil)
	}
	who, err := a.other(c.args[0])
	if err != nil {
		return who, a.say("bad-address", notice.Values{"address": cut(c.args[0], 100)})
	}
	who.name = cleanName(strings.Join(c.args[1:], " "))
	return who, ""
}

// again is the line of a command as it is kept until it is confirmed.
func again(c call) string {
	return strings.Join(append([]string{strings.ToUpper(c.name), string(c.list.Address())}, c.args...), " ")
}

// add makes somebody a member without asking.
func add(a *act, ctx context.Context, c call) (string, error) {
	who, bad := a.named(c)
	if bad != "" {
		return bad, nil
	}
	if _, err := a.Store.Member(c.list.ID, who.address); err == nil {
		return a.sayOf(c.list, "already-member", notice.Values{"member": string(who.address)}), nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	m, err := a.Store.NewMember(c.list.ID, who.mailbox, a.Now())
	if err != nil {
		return "", err
	}
	m.Name = who.name
	if err := a.join(ctx, c.list, m); err != nil {
		return "", err
	}
	return a.sayOf(c.list, "added", notice.Values{"member": string(who.address)}), nil
}

// remove ends somebody's membership. Another's role only an owner may end.
func remove(a *act, ctx context.Context, c call) (string, error) {
	who, bad := a.named(c)
	if bad != "" {
		return bad, nil
	}
	m, err := a.Store.Member(c.list.ID, who.address)
	if errors.Is(err, store.ErrNotFound) {
		return a.sayOf(c.list, "not-member", notice.Values{"member": string(who.address)}), nil
	}
	if err != nil {
		return "", err
	}
	if m.Role != store.RoleMember && a.role(c.list) != store.RoleOwner {
		return a.sayOf(c.list, "owner-only", nil), nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	if err := a.Members.Remove(ctx, c.list, who.address, false); err != nil {
		return "", err
	}
	return a.sayOf(c.list, "removed", notice.Values{"member": string(who.address)}), nil
}

// invite asks somebody to join.
func invite(a *act, ctx context.Context, c call) (string, error) {
	who, bad := a.named(c)
	if bad != "" {
		return bad, nil
	}
	if _, err := a.Store.Member(c.list.ID, who.address); err == nil {
		return a.sayOf(c.list, "already-member", notice.Values{"member": string(who.address)}), nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	inviter := string(a.who.address)
	if a.who.name != "" {
		inviter = a.who.name + " <" + inviter + ">"
	}
	if err := a.Members.Invite(ctx, c.list, inviter, who.mailbox, who.name); err != nil {
		return "", err
	}
	return a.sayOf(c.list, "invited", notice.Values{"member": string(who.address)}), nil
}

// held shows what waits.
func held(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	hs, err := a.Store.HeldPosts(c.list.ID)
	if err != nil {
		return "", err
	}
	if len(hs) == 0 {
		return a.sayOf(c.list, "held-none", nil), nil
	}
	lines := []string{a.sayOf(c.list, "held-lines", notice.Values{"count": fmt.Sprint(len(hs))})}
	for _, h := range hs {
		lines = append(lines, fmt.Sprintf("%d  %s  %s: %s\n   %s", h.ID, h.Received.Format(time.DateOnly), h.From, h.Subject, strings.Join(moderate.Reasons(a.lang, h), "; ")))
	}
	return strings.Join(lines, "\n"), nil
}

// decide about held posts by their numbers. A number that does not wait is answered as one on another's list.
func decide(a *act, ctx context.Context, c call) (string, error) {
	ids, reason := c.args, ""
	if c.name == "REJECT" && len(ids) > 1 {
		ids, reason = ids[:1], strings.Join(ids[1:], " ")
	}
	if len(ids) == 0 {
		return a.helpLine(*c.command), nil
	}
	var texts []string
	for _, word := range ids {
		id, err := strconv.ParseUint(strings.Trim(word, "#,;."), 10, 64)
		h, findErr := a.Store.HeldPost(id)
		if findErr != nil && !errors.Is(findErr, store.ErrNotFound) {
			return "", findErr
		}
		l, listErr := a.Store.ListByID(h.List)
		if err != nil || findErr != nil || listErr != nil || !staff(a.role(l)) {
			texts = append(texts, a.say("held-unknown", notice.Values{"id": cut(word, 20)}))
			continue
		}
		if !a.confirmed {
			a.pending = append(a.pending, pending{a.who, l, strings.TrimSpace(fmt.Sprintf("%s %d %s", c.name, id, reason))})
			continue
		}
		text, err := a.decideOne(ctx, c.name, h, reason)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return a.say("confirm-sent", notice.Values{"member": string(a.who.address)}), nil
	}
	return strings.Join(texts, "\n"), nil
}

// decideOne does what one word says about a held post.
func (a *act) decideOne(ctx context.Context, word string, h store.Held, reason string) (text string, err error) {
	v := notice.Values{"id": fmt.Sprint(h.ID), "author": string(h.Author)}
	switch word {
	case "APPROVE":
		_, err = a.Desk.Approve(ctx, h.ID)
		text = a.say("approved", v)
	case "TRUST":
		_, err = a.Desk.Trust(ctx, h.ID)
		text = a.say("trusted", v)
	case "REJECT":
		err = a.Desk.Reject(ctx, h.ID, reason)
		text = a.say("rejected", v)
	case "DISCARD":
		err = a.Desk.Discard(ctx, h.ID)
		text = a.say("discarded", v)
	}
	if errors.Is(err, store.ErrNotFound) {
		return a.say("held-unknown", v), nil
	}
	return text, err
}

// pattern of a ban.
func (a *act) pattern(c call) (pattern, bad string) {
	if c.all {
		return "", a.say("name-list", nil)
	}
	if len(c.args) == 0 {
		return "", a.say("need-address", nil)
	}
	pattern, err := store.ParsePattern(mailAddress(c.args[0]))
	if err != nil {
		return "", a.say("ban-bad", notice.Values{"pattern": cut(c.args[0], 100)})
	}
	return pattern, ""
}

func ban(a *act, _ context.Context, c call) (string, error) {
	pattern, bad := a.pattern(c)
	if bad != "" {
		return bad, nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	if err := a.Store.AddBan(store.Ban{List: c.list.ID, Pattern: pattern, Created: a.Now().UTC()}); err != nil {
		return "", err
	}
	a.Log.Info("banned", "list", c.list.Address(), "pattern", pattern, "by", a.who.address)
	return a.sayOf(c.list, "ban-set", notice.Values{"pattern": pattern}), nil
}

func unban(a *act, _ context.Context, c call) (string, error) {
	pattern, bad := a.pattern(c)
	if bad != "" {
		return bad, nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	err := a.Store.RemoveBan(c.list.ID, pattern)
	if errors.Is(err, store.ErrNotFound) {
		return a.sayOf(c.list, "ban-none", notice.Values{"pattern": pattern}), nil
	}
	if err != nil {
		return "", err
	}
	a.Log.Info("unbanned", "list", c.list.Address(), "pattern", pattern, "by", a.who.address)
	return a.sayOf(c.list, "ban-lifted", notice.Values{"pattern": pattern}), nil
}

// hold lets posts be accepted and wait.
func hold(a *act, _ context.Context, c call) (string, error) { return a.setHold(c, true, "on-hold") }

// free sends what waited, in order.
func free(a *act, _ context.Context, c call) (string, error) { return a.setHold(c, false, "freed") }

func (a *act) setHold(c call, on bool, text string) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	if !a.confirmed {
		return a.later(a.who, c.list, again(c)), nil
	}
	_, err := a.Store.UpdateList(c.list.ID, func(l *store.List) error {
		l.OnHold = on
		return nil
	})
	if err != nil {
		return "", err
	}
	a.Log.Info(text, "list", c.list.Address(), "by", a.who.address)
	return a.sayOf(c.list, text, nil), nil
}

// stats shows numbers of a list.
func stats(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	l := c.list
	members, err := a.Store.CountMembers(l.ID)
	if err != nil {
		return "", err
	}
	log, err := a.Store.Log(l.ID)
	if err != nil {
		return "", err
	}
	hs, err := a.Store.HeldPosts(l.ID)
	if err != nil {
		return "", err
	}
	suspended, err := a.Store.Suspended(l.ID)
	if err != nil {
		return "", err
	}
	recent, since := 0, a.Now().AddDate(0, 0, -30)
	for n := log.Last; n > 0; n-- {
		p, err := a.Store.Post(l.ID, n)
		if err != nil || p.Received.Before(since) {
			break
		}
		recent++
	}
	return a.sayOf(l, "stats", notice.Values{"members": fmt.Sprint(members), "posts": fmt.Sprint(log.Count), "threads": fmt.Sprint(log.Threads),
		"recent": fmt.Sprint(recent), "held": fmt.Sprint(len(hs)), "suspended": fmt.Sprint(len(suspended))}), nil
}
