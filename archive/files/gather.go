// Package files gathers what is shared on lists: attachments, and links that authors write. It follows the log with a cursor; all that it
// writes can be gathered anew. Pages and mail commands show it, and call Catch first, so that a post's files are there as soon as the post is.
package files

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"wesouthasians.org/sangam/store"
)

// version of what is gathered. With another one all lists are gathered anew.
const version = 1

// Bounds of one step.
const (
	stepPosts  = 1000
	stepBytes  = 16 << 20
	catchPosts = 100 // more of them are left to Run
)

// retryAfter is how long a gatherer waits after a failure.
const retryAfter = 30 * time.Second

// Gatherer keeps the files of all lists. Several may work on the same store at the same time.
type Gatherer struct {
	store *store.Store
	site  string // address of the site's pages, which are no links that somebody shares
	log   *slog.Logger
}

// New makes one for a site whose pages are at a base address.
func New(st *store.Store, url string, log *slog.Logger) *Gatherer {
	return &Gatherer{store: st, site: strings.TrimRight(url, "/"), log: log}
}

// Run gathers behind the log until the context ends. The lists take turns, so that a long one keeps no other waiting.
func (g *Gatherer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := g.store.PostsChanged(0)
		more, err := g.round(ctx)
		if more {
			continue
		}
		var again <-chan time.Time
		if err != nil {
			g.log.Error("files cannot be gathered and are tried again", "cause", err)
			again = time.After(retryAfter)
			changed = nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-again:
		}
	}
	return nil
}

// round makes a step for every list and tells whether there is more to do.
func (g *Gatherer) round(ctx context.Context) (more bool, err error) {
	ls, err := g.store.Lists()
	for _, l := range ls {
		if ctx.Err() != nil {
			break
		}
		left, stepErr := g.step(l.ID)
		more, err = more || left, errors.Join(err, stepErr)
	}
	return more, err
}

// Catch gathers the files of the newest posts of a list. It does nothing when there are none, or so many that the reader would wait.
func (g *Gatherer) Catch(list uint64) error {
	log, err := g.store.Log(list)
	if err != nil {
		return err
	}
	seen, err := g.store.FilesCursor(list)
	if err != nil || seen.Upto >= log.Last || log.Last-seen.Upto > catchPosts {
		return err
	}
	_, err = g.step(list)
	return err
}

// step gathers from a few posts and tells whether there are more. Another gatherer may have been faster, or the list be gone.
func (g *Gatherer) step(list uint64) (more bool, err error) {
	seen, err := g.store.FilesCursor(list)
	if err != nil {
		return false, err
	}
	log, err := g.store.Log(list)
	if err != nil || log.Last == 0 || seen.Version == version && seen.Upto >= log.Last {
		return false, err
	}
	if seen.Version != version {
		if err := g.store.ResetFiles(list, version); err != nil {
			return false, err
		}
		seen = store.FilesCursor{Version: version}
	}
	fs, upto := g.read(list, seen.Upto+1, min(seen.Upto+stepPosts, log.Last))
	err = g.store.AddFiles(list, seen, upto, fs)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case errors.Is(err, store.ErrConflict):
		return true, nil
	}
	return err == nil && upto < log.Last, err
}

// read finds the files of posts and tells how far it came. A post that cannot be read has none: the others must not wait for it.
func (g *Gatherer) read(list, from, to uint64) (fs []store.File, upto uint64) {
	size := int64(0)
	for n := from; n <= to; n++ {
		p, err := g.store.Post(list, n)
		var raw []byte
		if err == nil && !p.Removed {
			raw, err = g.store.Raw(list, n)
		}
		switch {
		case errors.Is(err, store.ErrNotFound): // removed a moment ago
		case err != nil:
			g.log.Error("the files of a post cannot be read", "list", list, "number", n, "cause", err)
		case !p.Removed:
			fs = append(fs, Of(p, raw, g.site)...)
		}
		if size += p.Size; size > stepBytes {
			return fs, n
		}
	}
	return fs, to
}
