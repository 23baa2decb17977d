// Package digest makes the digests of lists and queues them: as multipart/digest, as the text of RFC 1153, or as an index of subjects. It
// follows the log of each list; the store says who waits for which posts, so that each member gets each post once.
package digest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store *store.Store
	Site  post.Site
	// Attachment is the address of an attachment of a post that works without login until a day.
	Attachment func(l store.List, number uint64, a archive.Attachment, until time.Time) string
	Now        func() time.Time
	Log        *slog.Logger
}

// Press makes digests. It may be used by several goroutines.
type Press struct{ Options }

// New returns a press.
func New(o Options) *Press { return &Press{o} }

// Due sends the digests of every list whose time has come or whose size is reached, and those owed to members who left that mode.
func (p *Press) Due(ctx context.Context) error {
	ls, err := p.Store.Lists()
	if err != nil {
		return err
	}
	var failed []error // one list does not hold up the others
	for _, l := range ls {
		if l.OnHold || ctx.Err() != nil {
			continue
		}
		due, err := p.due(ctx, l)
		if err == nil {
			_, err = p.send(ctx, l, due)
		}
		if err == nil {
			continue
		}
		if _, gone := p.Store.ListByID(l.ID); !errors.Is(gone, store.ErrNotFound) {
			failed = append(failed, fmt.Errorf("digest of %s: %w", l.Address(), err))
		}
	}
	return errors.Join(failed...)
}

// manyIdle is how many posts that go in no digest, as those of an import, may be looked at again and again.
const manyIdle = 1000

// due tells whether a digest has reached its size or its time.
func (p *Press) due(ctx context.Context, l store.List) (bool, error) {
	w, err := p.Store.DigestWaiting(l.ID, l.DigestSize)
	if err != nil {
		return false, err
	}
	if w.Idle-w.State.Reached > manyIdle {
		err := p.Store.MakeDigests(ctx, l.ID, store.DigestPlan{State: w.State, Upto: w.Idle}, p.Now())
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return false, err
		}
	}
	return w.First.Number != 0 && (w.Bytes >= l.DigestSize || !p.Now().Before(nextIssue(l, w.First.Received))), nil
}

// Send sends now what waits for the members of a list, and returns how many mails that makes.
func (p *Press) Send(ctx context.Context, l store.List) (mails int, err error) {
	if l.OnHold {
		return 0, fmt.Errorf("%s is on hold and its digests wait with its posts: send FREE %s first", l.Name, l.Name)
	}
	return p.send(ctx, l, true)
}

func (p *Press) send(ctx context.Context, l store.List, due bool) (mails int, err error) {
	mails, err = p.owed(ctx, l)
	if err != nil || !due {
		return mails, err
	}
	log, err := p.Store.Log(l.ID)
	for tries := 0; err == nil; {
		var state store.DigestState
		if state, err = p.Store.DigestState(l.ID); err != nil || state.Reached >= log.Last {
			break
		}
		var n int
		if n, err = p.next(ctx, l, state, log.Last); errors.Is(err, store.ErrConflict) && tries < maxTries {
			tries++
			err = nil
		}
		mails += n
	}
	return mails, err
}

// maxTries when members change their modes while a digest is made.
const maxTries = 10

// Bounds of what is made at once, in bytes of posts: one mail is as large as the list's digest_size if that lies between the first two, or
// one post; what waits beyond comes in further ones. All mails of an issue stay below the third.
const (
	smallMail = 1_000_000
	largeMail = 9_000_000 // below what most servers take
	largeMake = 30_000_000
)

// next makes the next issue, up to a post or to where it is large enough.
func (p *Press) next(ctx context.Context, l store.List, state store.DigestState, last uint64) (mails int, err error) {
	now := p.Now()
	reach, err := p.reach(l, state.Reached, last)
	if err != nil {
		return 0, err
	}
	var plan store.DigestPlan
	for {
		if plan, err = p.Store.PlanDigest(l.ID, reach.upto, now); err != nil {
			return 0, err
		}
		if !reach.tooMuch(plan) {
			break
		}
		reach.halve()
	}
	for i, d := range plan.Digests {
		if plan.Digests[i].Raw, err = p.mail(l, d, plan.State.Issue+1, now); err != nil {
			return 0, err
		}
		if len(plan.Digests[i].Raw) > 0 {
			mails += d.Members
		}
	}
	if err := p.Store.MakeDigests(ctx, l.ID, plan, now); err != nil {
		return 0, err
	}
	if mails > 0 {
		p.Log.Info("digest", "list", l.Address(), "issue", plan.State.Issue+1, "upto", plan.Upto, "recipients", mails)
	}
	return mails, nil
}

// owed makes the last digests of members whose digests ended.
func (p *Press) owed(ctx context.Context, l store.List) (mails int, err error) {
	now := p.Now()
	owed, err := p.Store.DigestsOwed(l.ID, now)
	if err != nil || len(owed) == 0 {
		return 0, err
	}
	state, err := p.Store.DigestState(l.ID)
	if err != nil {
		return 0, err
	}
	for _, o := range owed {
		for o.From < o.Upto {
			reach, err := p.reach(l, o.From, o.Upto)
			if err != nil {
				return mails, err
			}
			raw, err := p.mail(l, store.Digest{Mode: o.Mode, From: o.From, Upto: reach.upto, Links: o.Links}, state.Issue+1, now)
			if err == nil {
				err = p.Store.MakeOwed(ctx, o, reach.upto, raw, now)
			}
			if errors.Is(err, store.ErrConflict) { // somebody else does it
				break
			}
			if err != nil {
				return mails, err
			}
			if len(raw) > 0 {
				mails++
				p.Log.Info("last digest", "list", l.Address(), "upto", reach.upto, "to", o.Address)
			}
			o.From = reach.upto
		}
	}
	return mails, nil
}

// mail of the posts behind one up to another; nil when none of them is there.
func (p *Press) mail(l store.List, d store.Digest, number int, now time.Time) ([]byte, error) {
	entries, err := p.entries(l, d.From, d.Upto)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	i := issue{list: l, site: p.Site, number: number, date: now.In(zone(l)), links: d.Links || l.Attachments == "link", entries: entries,
		messageID: fmt.Sprintf("<%s-digest-%d-%d-%d-%s.%d@%s>", l.Name, number, d.From, d.Upto, d.Mode, now.Unix(), l.Domain)}
	i.link = func(e entry, a archive.Attachment) string {
		return p.Attachment(l, e.Number, a, now.AddDate(0, 0, post.LinkDays))
	}
	return i.mail(d.Mode), nil
}

func (p *Press) entries(l store.List, from, upto uint64) ([]entry, error) {
	var entries []entry
	for x, err := range p.Store.Distributed(l.ID, from+1, upto) {
		if err != nil {
			return nil, err
		}
		raw, err := p.Store.DistributedRaw(l.ID, x.Number)
		if errors.Is(err, store.ErrNotFound) { // removed a moment ago
			continue
		}
		if store.IsDamage(err) { // the others are not to wait for it
			p.Log.Error("a post is left out of a digest", "list", l.Address(), "number", x.Number, "cause", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{x, raw})
	}
	return entries, nil
}
