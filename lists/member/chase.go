package member

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

const day = 24 * time.Hour

// When a member whose delivery is suspended is asked, counted from the suspension, and when the membership ends. Who complained is asked at
// once too, for the button may have been pressed by mistake.
var (
	asking       = []time.Duration{3 * day, 7 * day, 14 * day}
	askingAtOnce = append([]time.Duration{0}, asking...)
	patient      = 21 * day
)

// Complain stops delivery after a complaint, and asks.
func (r *Roll) Complain(_ context.Context, l store.List, a store.Address, answer string) error {
	m, err := r.Store.Complain(l.ID, a, answer, r.Now())
	if err != nil || !m.Failure.Complaint {
		return err
	}
	if m.Failure.Asked == 0 {
		r.Log.Info("suspended", "list", l.Address(), "member", a, "answer", answer)
	}
	return r.chase(l, m)
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
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.chase(l, m); err != nil {
				return fmt.Errorf("ask %s: %w", m.Address, err)
			}
		}
		if err := r.report(l); err != nil {
			return fmt.Errorf("report of %s: %w", l.Address(), err)
		}
	}
	return nil
}

// chase does what is due with a suspended member, in one commit. That the member came back or left a moment ago is no error.
func (r *Roll) chase(l store.List, m store.Member) (err error) {
	schedule := asking
	if m.Failure.Complaint {
		schedule = askingAtOnce
	}
	waited, due := r.Now().Sub(m.Failure.Suspended), 0
	for due < len(schedule) && waited >= schedule[due] {
		due++
	}
	switch {
	case waited >= patient:
		err = r.expel(l, m)
	case due > m.Failure.Asked:
		err = r.ask(l, m, due)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (r *Roll) expel(l store.List, m store.Member) error {
	letters, err := r.tell(l, m, "goodbye", l.Goodbye, false)
	if err != nil {
		return err
	}
	if err := r.Store.Expel(l.ID, m.Address, r.Now(), letters...); err != nil {
		return err
	}
	r.left(l, m)
	return nil
}

// ask mails the member a way back.
func (r *Roll) ask(l store.List, m store.Member, due int) error {
	end := m.Failure.Suspended.Add(patient)
	secret := store.NewSecret()
	t := store.Token{Purpose: store.PurposeResume, List: l.ID, Address: m.Address, Mailbox: m.Mailbox, Created: r.Now(), Expires: end}
	count, subjects, err := r.missed(l, m)
	if err != nil {
		return err
	}
	name := "suspended"
	if m.Failure.Complaint {
		name = "complaint"
	}
	letters, err := r.Office.Write(notice.Notice, notice.Mail{Name: name, List: l, To: []store.Address{m.Address},
		Language: notice.Language(m.Language, l.Language), ReplyTo: r.Addresses.Confirm(l, secret),
		Values: notice.Values{"member": string(m.Address), "answer": m.Failure.Answer, "missed": fmt.Sprint(count), "subjects": subjects,
			"link": r.link(secret), "until": Day(end)}})
	if err != nil {
		return err
	}
	if err := r.Store.Ask(l.ID, m.Address, due, secret, t, letters...); err != nil {
		return err
	}
	r.Log.Info("asked", "list", l.Address(), "member", m.Address, "times", due)
	return nil
}

// maxSubjects of missed posts are shown.
const maxSubjects = 20

// missed are the posts since the suspension: how many, and the subjects of the first ones.
func (r *Roll) missed(l store.List, m store.Member) (count int, subjects string, err error) {
	log, err := r.Store.Log(l.ID)
	if err != nil {
		return 0, "", err
	}
	var lines []string
	for p, err := range r.Store.Posts(l.ID, m.Failure.From+1, log.Last) {
		if err != nil {
			return 0, "", err
		}
		if p.Removed {
			continue
		}
		if count++; count <= maxSubjects {
			lines = append(lines, fmt.Sprintf("%d  %s (%s)", p.Number, p.Subject, p.From))
		}
	}
	if count > maxSubjects {
		lines = append(lines, "…")
	}
	return count, strings.Join(lines, "\n"), nil
}

// report tells the owners once a week whom mail does not reach.
func (r *Roll) report(l store.List) error {
	suspended, err := r.Store.Suspended(l.ID)
	if err != nil {
		return err
	}
	gone, err := r.Store.Departures(l.ID)
	if err != nil || len(gone)+len(suspended) == 0 {
		return err
	}
	last, err := r.Store.Reported(l.ID)
	if err != nil || r.Now().Sub(last) < 7*day {
		return err
	}
	owners, err := r.staff(l, true)
	if err != nil {
		return err
	}
	letters, err := r.Office.WriteEach(l, owners, func(lang string) notice.Mail {
		lines := ""
		for _, m := range suspended {
			lines += fmt.Sprintf("%s  %s  %s\n", m.Address, Day(m.Failure.Suspended), m.Failure.Answer)
		}
		for _, d := range gone {
			lines += notice.Say(lang, "bounce-gone", notice.Values{"member": string(d.Address), "date": Day(d.At), "answer": d.Answer}) + "\n"
		}
		return notice.Mail{Name: "bounce-report", Values: notice.Values{"lines": lines}}
	})
	if err != nil {
		return err
	}
	return r.Store.Report(l.ID, gone, r.Now(), letters...)
}
