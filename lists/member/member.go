// Package member joins people to lists and lets them leave. Command line, mail and web all come here.
package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"wesouthasians.org/sangam/store"
)

// Roll keeps the memberships.
type Roll struct {
	store *store.Store
	log   *slog.Logger
}

// New returns the roll of a store.
func New(st *store.Store, log *slog.Logger) *Roll { return &Roll{st, log} }

// Add makes somebody a member at once. store.ErrExists.
func (r *Roll) Add(ctx context.Context, l store.List, m store.Member) error {
	if err := r.store.AddMember(m); err != nil {
		return err
	}
	r.log.Info("joined", "list", l.Address(), "member", m.Address, "role", m.Role)
	return nil
}

// Remove ends a membership. store.ErrNotFound.
func (r *Roll) Remove(ctx context.Context, l store.List, a store.Address) error {
	m, err := r.store.Member(l.ID, a)
	if err != nil {
		return fmt.Errorf("member %s: %w", a, err)
	}
	if err := r.store.RemoveMember(l.ID, a); err != nil {
		return err
	}
	r.log.Info("left", "list", l.Address(), "member", a)
	if m.Role == store.RoleOwner && !r.owned(l) {
		r.log.Warn("the last owner left: add another", "list", l.Address(), "member", a)
	}
	return nil
}

func (r *Roll) owned(l store.List) bool {
	for m, err := range r.store.Members(l.ID, "") {
		if err != nil || m.Role == store.RoleOwner {
			return true // or not known, which is no cause for alarm
		}
	}
	return false
}

// Leave ends the membership that an unsubscribe token names. It is no error when that has ended already.
func (r *Roll) Leave(ctx context.Context, id uint64) error {
	m, err := r.store.MemberByID(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	l, err := r.store.ListByID(m.List)
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	if err := r.Remove(ctx, l, m.Address); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
