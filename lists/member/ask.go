package member

import (
	"context"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// AskToJoin asks the staff of a list whether somebody, whose address is confirmed, may join.
func (r *Roll) AskToJoin(ctx context.Context, l store.List, mailbox, name string, options []string) error {
	a, err := store.ParseAddress(mailbox)
	if err != nil {
		return err
	}
	now := r.Now()
	t := store.Token{Purpose: store.PurposeJoin, List: l.ID, Address: a, Mailbox: mailbox, Name: name, Lines: options, Created: now, Expires: now.Add(store.TokenLife)}
	secret, err := r.Store.NewToken(t)
	if err != nil {
		return err
	}
	staff, err := r.staff(l, false)
	if err != nil {
		return err
	}
	who := string(a)
	if name != "" {
		who = name + " <" + who + ">"
	}
	letters, err := r.Office.WriteEach(l, staff, func(string) notice.Mail {
		return notice.Mail{Name: "join-request", ReplyTo: r.Addresses.Confirm(l, secret), Values: notice.Values{"member": string(a), "who": who, "until": Day(t.Expires)}}
	})
	if err != nil {
		return err
	}
	if err := r.Store.Send(ctx, letters...); err != nil {
		return err
	}
	return r.Office.Send(ctx, notice.Answer, notice.Mail{Name: "join-waiting", List: l, To: []store.Address{a}, Values: notice.Values{"member": string(a)}})
}

// RefuseJoin tells somebody that the staff did not agree.
func (r *Roll) RefuseJoin(ctx context.Context, l store.List, a store.Address, reason string) error {
	return r.Office.Send(ctx, notice.Answer, notice.Mail{Name: "join-rejected", List: l, To: []store.Address{a}, Values: notice.Values{"member": string(a), "reason": reason}})
}

// Invite asks somebody to join.
func (r *Roll) Invite(ctx context.Context, l store.List, inviter, mailbox, name string) error {
	a, err := store.ParseAddress(mailbox)
	if err != nil {
		return err
	}
	if !r.Office.Admit(notice.Confirmation, "", a) {
		return nil
	}
	now := r.Now()
	t := store.Token{Purpose: store.PurposeInvite, List: l.ID, Address: a, Mailbox: mailbox, Name: name, Created: now, Expires: now.Add(store.TokenLife)}
	secret, err := r.Store.NewToken(t)
	if err != nil {
		return err
	}
	return r.Office.Send(ctx, notice.Notice, notice.Mail{Name: "invite", List: l, To: []store.Address{a}, Language: notice.Language(l.Language),
		ReplyTo: r.Addresses.Confirm(l, secret), Values: notice.Values{"inviter": inviter, "link": r.link(secret), "until": Day(t.Expires)}})
}
