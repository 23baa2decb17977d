// Package digest makes the digests of lists and queues them: as multipart/digest, as the text of RFC 1153, or as an index of subjects. It
// follows the log of each list; the store says who waits for which posts, so that each member gets each post once.
package digest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store *store.Store
	Site  post.Site
	Now   func() time.Time
	Log   *slog.Logger
}

// Press makes digests.
type Press struct{ Options }

// New returns a press.
func New(o Options) *Press { return &Press{o} }

// Due sends the digests of every list whose time has come or whose size is reached, and those owed to members who left that mode.
func (p *Press) Due(ctx context.Context) error {
	ls, err := p.Store.Lists()
	if err != nil {
		return err
	}
	for _, l := range ls {
		if l.OnHold {
			continue
		}
		due, err := p.due(l)
		if err != nil {
			return fmt.Errorf("digest of %s: %w", l.Address(), err)
		}
		owed, err := p.Store.DigestsOwed(l.ID)
		if err != nil {
			return fmt.Errorf("digest of %s: %w", l.Address(), err)
		}
		if due || owed {
			if _, err := p.send(ctx, l, due); err != nil {
				return fmt.Errorf("digest of %s: %w", l.Address(), err)
			}
		}
	}
	return nil
}

// due tells whether a digest has reached its size or its time.
func (p *Press) due(l store.List) (bool, error) {
	first, size, ok, err := p.Store.DigestFirst(l.ID)
	if err != nil || !ok {
		return false, err
	}
	return size >= l.DigestSize || !p.Now().Before(nextIssue(l, first.Received)), nil
}

// nextIssue is the first time after a post at which the list sends a digest: its hour, of each day, Monday, or first of a month.
func nextIssue(l store.List, after time.Time) time.Time {
	zone, err := time.LoadLocation(l.Timezone)
	if err != nil {
		zone = time.UTC
	}
	t := after.In(zone)
	for day := 0; ; day++ {
		at := time.Date(t.Year(), t.Month(), t.Day()+day, l.DigestHour, 0, 0, 0, zone)
		switch {
		case !at.After(after):
		case l.DigestEvery == "weekly" && at.Weekday() != time.Monday:
		case l.DigestEvery == "monthly" && at.Day() != 1:
		default:
			return at
		}
	}
}

// Send sends now what waits for the members of a list, and returns how many mails that makes.
func (p *Press) Send(ctx context.Context, l store.List) (int, error) { return p.send(ctx, l, true) }

// maxTries when members change their modes while a digest is made.
const maxTries = 5

func (p *Press) send(ctx context.Context, l store.List, all bool) (mails int, err error) {
	for range maxTries {
		mails, err = p.try(ctx, l, all)
		if !errors.Is(err, store.ErrConflict) {
			return mails, err
		}
	}
	return mails, err
}

func (p *Press) try(ctx context.Context, l store.List, all bool) (int, error) {
	now := p.Now()
	plan, err := p.Store.PlanDigest(l.ID, now)
	if err != nil {
		return 0, err
	}
	wanted := plan.Owed
	if all {
		wanted = append(wanted[:len(wanted):len(wanted)], plan.Groups...)
	}
	var made []store.Digest
	mails := 0
	for _, d := range wanted {
		entries, err := p.entries(l, d.From, d.Upto)
		if err != nil {
			return 0, err
		}
		if len(entries) == 0 && d.To == "" {
			continue
		}
		if len(entries) == 0 { // all of it was removed: nothing is owed any more
			made = append(made, d)
			continue
		}
		d.Raw = p.issue(l, plan.State.Issue+1, d, entries, now).build(d.Mode)
		made = append(made, d)
		n, err := p.Store.CountDigest(l.ID, plan.State.Reached, d, now)
		if err != nil {
			return 0, err
		}
		mails += n
	}
	if len(made) == 0 && (!all || plan.Upto == plan.State.Reached) {
		return 0, nil
	}
	if err := p.Store.MakeDigests(ctx, l.ID, plan, all, made, now); err != nil {
		return 0, err
	}
	if mails > 0 {
		p.Log.Info("digest", "list", l.Address(), "upto", plan.Upto, "recipients", mails)
	}
	return mails, nil
}

func (p *Press) entries(l store.List, behind, upto uint64) ([]entry, error) {
	var entries []entry
	for x, err := range p.Store.Posts(l.ID, behind+1, upto) {
		if err != nil {
			return nil, err
		}
		if x.Removed || x.Quiet {
			continue
		}
		raw, err := p.Store.Raw(l.ID, x.Number)
		if errors.Is(err, store.ErrNotFound) { // removed a moment ago
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{x, raw})
	}
	return entries, nil
}

func (p *Press) issue(l store.List, number int, d store.Digest, entries []entry, now time.Time) issue {
	if zone, err := time.LoadLocation(l.Timezone); err == nil {
		now = now.In(zone)
	}
	id := fmt.Sprintf("%s-digest-%d-%d-%d-%s@%s", l.Name, number, d.From, d.Upto, d.Mode, p.Site.Hostname)
	return issue{list: l, site: p.Site, number: number, at: now, messageID: id, entries: entries}
}
