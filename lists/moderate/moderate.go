// Package moderate decides about held posts. Command line, mail, web and IMAP all come here.
package moderate

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

// Desk is where held posts are decided about.
type Desk struct {
	store *store.Store
	site  post.Site
	log   *slog.Logger
}

// New returns a desk.
func New(st *store.Store, site post.Site, log *slog.Logger) *Desk { return &Desk{st, site, log} }

// Approve distributes a held post as if it came now, with the list's present settings. ErrNotFound when somebody decided
// already.
func (d *Desk) Approve(ctx context.Context, id uint64) (store.Post, error) {
	h, l, err := d.find(id)
	if err != nil {
		return store.Post{}, err
	}
	raw, err := d.store.HeldRaw(id)
	if err != nil {
		return store.Post{}, fmt.Errorf("approve %d: %w", id, err)
	}
	p := post.New(l, h.Sender, raw, time.Now().UTC())
	if err := p.FindMembers(d.store.Member); err != nil {
		return store.Post{}, fmt.Errorf("approve %d: %w", id, err)
	}
	a := p.Acceptance(d.site)
	a.Held, a.KeepBoth = id, true
	accepted, err := d.store.Accept(ctx, a)
	if errors.Is(err, store.ErrDuplicate) { // it came in on another way meanwhile
		return accepted, d.drop("discarded", id, "reasons", []string{"the same message was posted already"})
	}
	if err != nil {
		return accepted, fmt.Errorf("approve %d: %w", id, err)
	}
	d.log.Info("accepted", "list", l.Address(), "number", accepted.Number, "from", h.Author, "message_id", h.MessageID, "held", id)
	return accepted, nil
}

// Reject deletes a held post. The reason is for its author.
func (d *Desk) Reject(ctx context.Context, id uint64, reason string) error {
	return d.drop("rejected", id, "reason", reason)
}

// Discard deletes a held post without a word.
func (d *Desk) Discard(ctx context.Context, id uint64) error { return d.drop("discarded", id) }

func (d *Desk) drop(fate string, id uint64, more ...any) error {
	h, l, err := d.find(id)
	if err != nil {
		return err
	}
	if err := d.store.DropHeld(id); err != nil {
		return err
	}
	d.log.Info(fate, append([]any{"list", l.Address(), "held", id, "from", h.Author, "message_id", h.MessageID}, more...)...)
	return nil
}

func (d *Desk) find(id uint64) (store.Held, store.List, error) {
	h, err := d.store.HeldPost(id)
	if err != nil {
		return h, store.List{}, fmt.Errorf("held post %d: %w", id, err)
	}
	l, err := d.store.ListByID(h.List)
	return h, l, err
}

// Describe reads a held post as a reader would.
func (d *Desk) Describe(id uint64) (store.Held, archive.Body, error) {
	h, err := d.store.HeldPost(id)
	if err != nil {
		return h, archive.Body{}, fmt.Errorf("held post %d: %w", id, err)
	}
	raw, err := d.store.HeldRaw(id)
	return h, archive.Read(raw), err
}
