// Package member joins people to lists and lets them leave, and asks those whom mail does not reach. Command line, mail and web all come
// here; who may do it is decided before.
package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Office    *notice.Office
	Admins    []store.Address // they stand in for the owners of a list without any
	WebURL    string
	Now       func() time.Time
	Log       *slog.Logger
}

// Roll keeps the memberships.
type Roll struct{ Options }

// New returns the roll of a store.
func New(o Options) *Roll { return &Roll{o} }

// Add makes somebody a member at once, and welcomes who is not to be added quietly. store.ErrExists.
func (r *Roll) Add(ctx context.Context, l store.List, m store.Member, quiet bool) error {
	letters, err := r.tell(l, m, "welcome", l.Welcome, quiet)
	if err != nil {
		return err
	}
	if err := r.Store.AddMember(m, letters...); err != nil {
		return err
	}
	r.Log.Info("joined", "list", l.Address(), "member", m.Address, "role", m.Role)
	return nil
}

// Remove ends a membership and says goodbye to who is not to be removed quietly. store.ErrNotFound.
func (r *Roll) Remove(ctx context.Context, l store.List, a store.Address, quiet bool) error {
	m, err := r.Store.Member(l.ID, a)
	if err != nil {
		return fmt.Errorf("member %s: %w", a, err)
	}
	letters, err := r.tell(l, m, "goodbye", l.Goodbye, quiet)
	if err != nil {
		return err
	}
	if err := r.Store.RemoveMember(l.ID, a, letters...); err != nil {
		return err
	}
	r.left(l, m)
	return nil
}

func (r *Roll) left(l store.List, m store.Member) {
	r.Log.Info("left", "list", l.Address(), "member", m.Address)
	if m.Role == store.RoleOwner && !r.owned(l) {
		r.Log.Warn("the last owner left: add another", "list", l.Address(), "member", m.Address)
	}
}

// tell writes to a member in the member's language, with the list's own text.
func (r *Roll) tell(l store.List, m store.Member, name, text string, quiet bool) ([]store.Letter, error) {
	if quiet {
		return nil, nil
	}
	return r.Office.Write(notice.Notice, notice.Mail{Name: name, List: l, To: []store.Address{m.Address},
		Language: notice.Language(m.Language, l.Language), Values: notice.Values{"member": string(m.Address), "text": text}})
}

func (r *Roll) owned(l store.List) bool {
	for m, err := range r.Store.Members(l.ID, "") {
		if err != nil || m.Role == store.RoleOwner {
			return true // or not known, which is no cause for alarm
		}
	}
	return false
}

// Leave ends the membership that an unsubscribe token names. It is no error when that has ended already.
func (r *Roll) Leave(ctx context.Context, id uint64) error {
	m, err := r.Store.MemberByID(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	l, err := r.Store.ListByID(m.List)
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	if err := r.Remove(ctx, l, m.Address, false); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// staff are the moderators and owners of a list, or those who stand in for them.
func (r *Roll) staff(l store.List, ownersOnly bool) ([]store.Address, error) {
	to, err := r.Office.Staff(l, ownersOnly)
	if len(to) == 0 {
		to = r.Admins
	}
	return to, err
}

// link is the page that does what a token stands for.
func (r *Roll) link(secret string) string { return r.WebURL + "/c/" + secret }

// Day is how notices write when something ends.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
