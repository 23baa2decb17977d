// Package moderate holds posts for a moderator and decides about them. Command line, mail, web and IMAP all come here.
package moderate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Office    *notice.Office
	Site      post.Site
	Admins    []store.Address // they stand in for the moderators of a list without any
	Now       func() time.Time
	Log       *slog.Logger
}

// Desk is where held posts are decided about.
type Desk struct{ Options }

// New returns a desk.
func New(o Options) *Desk { return &Desk{o} }

// Hold keeps a post until somebody decides, and tells moderators and author. Codes name the texts of the reasons.
func (d *Desk) Hold(ctx context.Context, p *post.Post, reasons, codes []string) (h store.Held, err error) {
	h = p.Held(reasons, codes)
	if h.ID, err = d.Store.NextHeld(); err != nil {
		return h, fmt.Errorf("hold post: %w", err)
	}
	letters, err := d.announcement(p, h)
	if err != nil {
		return h, fmt.Errorf("hold post: %w", err)
	}
	return d.Store.Hold(ctx, h, p.Raw, letters...)
}

// Approve distributes a held post as if it came now, with the list's present settings. ErrNotFound when somebody decided
// already.
func (d *Desk) Approve(ctx context.Context, id uint64) (store.Post, error) {
	h, l, err := d.find(id)
	if err != nil {
		return store.Post{}, err
	}
	return d.approve(ctx, h, l, "")
}

func (d *Desk) approve(ctx context.Context, h store.Held, l store.List, trust store.Address) (store.Post, error) {
	id := h.ID
	raw, err := d.Store.HeldRaw(id)
	if err != nil {
		return store.Post{}, fmt.Errorf("approve %d: %w", id, err)
	}
	p := post.New(l, h.Sender, raw, d.Now().UTC())
	if err := p.LookUp(d.Store); err != nil {
		return store.Post{}, fmt.Errorf("approve %d: %w", id, err)
	}
	a := p.Acceptance(d.Site)
	a.Held, a.KeepBoth, a.Trust = id, true, trust
	if a.Receipt, err = d.Receipt(p); err != nil {
		return store.Post{}, fmt.Errorf("approve %d: %w", id, err)
	}
	accepted, err := d.Store.Accept(ctx, a)
	if errors.Is(err, store.ErrDuplicate) { // it came in on another way meanwhile
		return accepted, d.drop("discarded", h, l, nil, "reasons", []string{"the same message was posted already"})
	}
	if err != nil {
		return accepted, fmt.Errorf("approve %d: %w", id, err)
	}
	d.Log.Info("accepted", "list", l.Address(), "number", accepted.Number, "from", h.Author, "message_id", h.MessageID, "held", id)
	return accepted, nil
}

// Trust approves a held post, and lets the posts of its author pass from now on.
func (d *Desk) Trust(ctx context.Context, id uint64) (store.Held, error) {
	h, l, err := d.find(id)
	if err != nil {
		return h, err
	}
	_, err = d.approve(ctx, h, l, h.Author)
	return h, err
}

// Reject deletes a held post and tells its author the reason.
func (d *Desk) Reject(_ context.Context, id uint64, reason string) error {
	h, l, err := d.find(id)
	if err != nil {
		return err
	}
	letters, err := d.toAuthor("rejected", l, h, notice.Values{"reason": reason})
	if err != nil {
		return err
	}
	return d.drop("rejected", h, l, letters, "reason", reason)
}

// Discard deletes a held post without a word.
func (d *Desk) Discard(_ context.Context, id uint64) error {
	h, l, err := d.find(id)
	if err != nil {
		return err
	}
	return d.drop("discarded", h, l, nil)
}

func (d *Desk) drop(fate string, h store.Held, l store.List, letters []store.Letter, more ...any) error {
	if err := d.Store.DropHeld(h.ID, letters...); err != nil {
		return err
	}
	d.Log.Info(fate, append([]any{"list", l.Address(), "held", h.ID, "from", h.Author, "message_id", h.MessageID}, more...)...)
	return nil
}

func (d *Desk) find(id uint64) (store.Held, store.List, error) {
	h, err := d.Store.HeldPost(id)
	if err != nil {
		return h, store.List{}, fmt.Errorf("held post %d: %w", id, err)
	}
	l, err := d.Store.ListByID(h.List)
	return h, l, err
}

// Describe reads a held post as a reader would.
func (d *Desk) Describe(id uint64) (store.Held, archive.Body, error) {
	h, err := d.Store.HeldPost(id)
	if err != nil {
		return h, archive.Body{}, fmt.Errorf("held post %d: %w", id, err)
	}
	raw, err := d.Store.HeldRaw(id)
	return h, archive.Read(raw), err
}
