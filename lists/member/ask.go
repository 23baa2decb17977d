package member

import (
	"context"
	"fmt"
	"time"

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
	err = r.Office.Send(ctx, notice.Notice, notice.Mail{Name: "join-request", List: l, To: staff, Language: notice.Language(l.Language),
		ReplyTo: r.Addresses.Confirm(l, secret), Values: notice.Values{"member": string(a), "who": who, "until": Day(t.Expires)}})
	if err != nil {
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

// When a member whose delivery is suspended is asked, counted from the suspension, and when the membership ends.
var (
	asking  = []time.Duration{3 * day, 7 * day, 14 * day}
	patient = 21 * day
)

const day = 24 * time.Hour

// Complain stops delivery after a complaint and asks at once, for the button may have been pressed by mistake.
func (r *Roll) Complain(ctx context.Context, l store.List, a store.Address, answer string) error {
	m, err := r.Store.Member(l.ID, a)
	if err != nil {
		return err
	}
	already := !m.Failure.Suspended.IsZero()
	if m, err = r.Store.Complain(l.ID, a, answer, r.Now()); err != nil || already {
		return err
	}
	r.Log.Info("suspended", "list", l.Address(), "member", a, "answer", answer)
	return r.ask(ctx, l, m)
}

// ask mails the member a way back.
func (r *Roll) ask(ctx context.Context, l store.List, m store.Member) error {
	now := r.Now()
	end := m.Failure.Suspended.Add(patient)
	secret, err := r.Store.NewToken(store.Token{Purpose: store.PurposeResume, List: l.ID, Address: m.Address, Mailbox: m.Mailbox, Created: now, Expires: end})
	if err != nil {
		return err
	}
	log, err := r.Store.Log(l.ID)
	if err != nil {
		return err
	}
	name := "suspended"
	if m.Failure.Complaint {
		name = "complaint"
	}
	return r.Office.Send(ctx, notice.Notice, notice.Mail{Name: name, List: l, To: []store.Address{m.Address}, Language: notice.Language(m.Language, l.Language),
		ReplyTo: r.Addresses.Confirm(l, secret), Values: notice.Values{"member": string(m.Address), "answer": m.Failure.Answer,
			"missed": fmt.Sprint(log.Last - m.Failure.From), "link": r.link(secret), "until": Day(end)}})
}

// Resume starts delivery again.
func (r *Roll) Resume(l store.List, a store.Address) error {
	_, err := r.Store.UpdateMember(l.ID, a, func(m *store.Member) error {
		m.Failure = store.Failure{Count: m.Failure.Count}
		return nil
	})
	if err == nil {
		r.Log.Info("resumed", "list", l.Address(), "member", a)
	}
	return err
}

// Chase asks the suspended members of every list when it is time, and ends memberships of those who did not answer. It tells the owners
// once a week. It may be called at any time and does each step once.
func (r *Roll) Chase(ctx context.Context) error {
	ls, err := r.Store.Lists()
	if err != nil {
		return err
	}
	for _, l := range ls {
		ms, err := r.Store.Suspended(l.ID)
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := r.chase(ctx, l, m); err != nil {
				return fmt.Errorf("ask %s: %w", m.Address, err)
			}
		}
		if err := r.report(ctx, l); err != nil {
			return fmt.Errorf("report of %s: %w", l.Address(), err)
		}
	}
	return nil
}

func (r *Roll) chase(ctx context.Context, l store.List, m store.Member) error {
	waited := r.Now().Sub(m.Failure.Suspended)
	if waited >= patient {
		if err := r.Store.Expel(l.ID, m.Address, r.Now()); err != nil {
			return err
		}
		r.left(l, m)
		return r.tell(ctx, l, m, "goodbye", notice.Values{"text": l.Goodbye})
	}
	due := 0
	for _, after := range asking {
		if waited >= after {
			due++
		}
	}
	if due <= m.Failure.Asked {
		return nil
	}
	if err := r.ask(ctx, l, m); err != nil {
		return err
	}
	_, err := r.Store.UpdateMember(l.ID, m.Address, func(m *store.Member) error {
		m.Failure.Asked = due
		return nil
	})
	return err
}

// report tells the owners once a week whom mail does not reach.
func (r *Roll) report(ctx context.Context, l store.List) error {
	const stamp = "bounce-report"
	suspended, err := r.Store.Suspended(l.ID)
	if err != nil {
		return err
	}
	gone, err := r.Store.Departures(l.ID)
	if err != nil || len(gone)+len(suspended) == 0 {
		return err
	}
	last, err := r.Store.Stamp(l.ID, stamp)
	if err != nil || r.Now().Sub(last) < 7*day {
		return err
	}
	owners, err := r.staff(l, true)
	if err != nil {
		return err
	}
	lang, lines := notice.Language(l.Language), ""
	for _, m := range suspended {
		lines += fmt.Sprintf("%s  %s  %s\n", m.Address, Day(m.Failure.Suspended), m.Failure.Answer)
	}
	for _, d := range gone {
		lines += notice.Say(lang, "bounce-gone", notice.Values{"member": string(d.Address), "date": Day(d.At), "answer": d.Answer}) + "\n"
	}
	if err := r.Office.Send(ctx, notice.Notice, notice.Mail{Name: "bounce-report", List: l, To: owners, Language: lang,
		Values: notice.Values{"lines": lines}}); err != nil {
		return err
	}
	if err := r.Store.ForgetDepartures(l.ID, gone); err != nil {
		return err
	}
	return r.Store.SetStamp(l.ID, stamp, r.Now())
}
