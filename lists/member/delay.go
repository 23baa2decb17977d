package member

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// When the owners are told that mail waits, as mail servers tell senders, and how soon they are told of the same domain again.
const (
	delayAfter   = 4 * time.Hour
	delaysEvery  = 7 * day
	delayStamp   = "delayed " // and the domain
	maxDelayedOf = 20         // domains that one notice tells
)

// delayed is what waits for one domain.
type delayed struct {
	members map[store.Address]bool
	since   time.Time
	last    time.Time // when it was tried last, as far as that is known
	answer  string
}

// Delays tells the owners of each list which domains have taken no mail for hours. It may be called at any time.
func (r *Roll) Delays(ctx context.Context) error {
	jobs, err := r.Store.Jobs()
	if err != nil {
		return err
	}
	now := r.Now()
	waits := map[uint64]map[string]*delayed{} // by list and domain
	for _, j := range jobs {
		if !j.ListMail() || j.Waiting == 0 || now.Sub(j.Created) < delayAfter {
			continue
		}
		ds, err := r.Store.Deferrals(j.ID)
		if err != nil {
			return err
		}
		for _, d := range ds {
			if now.Sub(d.Since) >= delayAfter {
				note(waits, d)
			}
		}
	}
	for list, domains := range waits {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.tellDelays(list, domains, now); err != nil {
			return fmt.Errorf("delays of list %d: %w", list, err)
		}
	}
	return nil
}

func note(waits map[uint64]map[string]*delayed, d store.Deferral) {
	if waits[d.List] == nil {
		waits[d.List] = map[string]*delayed{}
	}
	w := waits[d.List][d.Recipient.Domain()]
	if w == nil {
		w = &delayed{members: map[store.Address]bool{}, since: d.Since}
		waits[d.List][d.Recipient.Domain()] = w
	}
	w.members[d.Recipient] = true
	if d.Since.Before(w.since) {
		w.since = d.Since
	}
	if d.Next.After(w.last) {
		w.last, w.answer = d.Next, d.LastAnswer
	}
}

func (r *Roll) tellDelays(list uint64, domains map[string]*delayed, now time.Time) error {
	for domain := range domains {
		told, err := r.Store.Stamp(list, delayStamp+domain)
		if err != nil {
			return err
		}
		if now.Sub(told) < delaysEvery {
			delete(domains, domain)
		}
	}
	if len(domains) == 0 {
		return nil
	}
	for m, err := range r.Store.Members(list, "") { // where others get mail, the trouble is that of a member
		if err != nil {
			return err
		}
		w := domains[m.Address.Domain()]
		if w != nil && !w.members[m.Address] && m.Delivery == store.DeliverEach && m.Failure.Suspended.IsZero() {
			delete(domains, m.Address.Domain())
		}
	}
	if len(domains) == 0 {
		return nil
	}
	l, err := r.Store.ListByID(list)
	if err != nil {
		return err
	}
	owners, err := r.staff(l, true)
	if err != nil {
		return err
	}
	var lines, stamps []string
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		w := domains[domain]
		stamps = append(stamps, delayStamp+domain)
		if len(stamps) <= maxDelayedOf {
			lines = append(lines, fmt.Sprintf("%s (%d)  %s\n   %s", domain, len(w.members), w.since.UTC().Format("2006-01-02 15:04 MST"), w.answer))
		}
	}
	if len(stamps) > maxDelayedOf {
		lines = append(lines, "…")
	}
	letters, err := r.Office.WriteEach(l, owners, func(string) notice.Mail {
		return notice.Mail{Name: "delayed", Values: notice.Values{"lines": strings.Join(lines, "\n")}}
	})
	if err != nil {
		return err
	}
	r.Log.Info("delayed", "list", l.Address(), "domains", len(stamps))
	return r.Store.SetStamps(list, stamps, now, letters...)
}
