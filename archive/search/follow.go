package search

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"
	"golang.org/x/sync/errgroup"

	"wesouthasians.org/sangam/store"
)

// Pace of the follower.
const (
	gather     = 200 * time.Millisecond // posts come in bursts: they are indexed together
	retryAfter = 10 * time.Second
)

// Bounds of a batch.
const (
	batchPosts   = 500
	batchBytes   = 4 << 20 // raw; the last post may be larger
	batchRemoved = 5000
)

// Run keeps the index up with the logs until the context ends. Before it does so it verifies the files.
func (x *Index) Run(ctx context.Context) error {
	verified := false
	for ctx.Err() == nil {
		changed := x.Store.PostsChanged(0)
		if !verified {
			x.check()
			verified = true
		}
		var retry <-chan time.Time
		if err := x.CatchUp(ctx, nil); err != nil && ctx.Err() == nil {
			x.Log.Error("posts cannot be indexed for search; this is tried again", "cause", err)
			retry = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
		case <-x.again:
		case <-retry:
		case <-changed:
			select {
			case <-ctx.Done():
			case <-time.After(gather):
			}
		}
	}
	return nil
}

// check verifies the files, which takes as long as reading them.
func (x *Index) check() {
	e, err := x.opened()
	if err != nil {
		return // CatchUp tells
	}
	x.mu.RUnlock()
	if damage := x.damage(e); damage != nil {
		x.discard(e, damage)
	}
}

// CatchUp brings the index up to the logs as they are now; what is told of progress are posts.
func (x *Index) CatchUp(ctx context.Context, progress func(done, total uint64)) error {
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.done()
	lists, err := x.Store.Lists()
	if err != nil {
		return err
	}
	w := &work{Index: x, progress: progress}
	if err := w.dropRemovedLists(lists); err != nil {
		return err
	}
	for _, l := range lists {
		log, err := x.Store.Log(l.ID)
		if err != nil {
			return err
		}
		c, err := w.cursor(l.ID)
		if err != nil {
			return err
		}
		w.total += log.Last - min(log.Last, c.Upto)
	}
	for _, l := range lists {
		if err := w.follow(ctx, l); err != nil {
			return fmt.Errorf("list %s: %w", l.Address(), err)
		}
	}
	return nil
}

// Bounds of what a search waits for.
const (
	freshPosts = 100
	freshTime  = time.Second
)

// freshen indexes the last posts before a search, when they are few.
func (x *Index) freshen(ctx context.Context, behind uint64) {
	if behind == 0 || behind > freshPosts {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	if err := x.CatchUp(ctx, nil); err != nil && ctx.Err() == nil {
		x.Log.Error("posts cannot be indexed for search", "cause", err)
	}
}

// Again has the posts of a list indexed anew, or all of them when none is named; what is in the index can be found meanwhile.
func (x *Index) Again(ctx context.Context, lists []store.List, progress func(done, total uint64)) error {
	if err := x.forget(ctx, lists); err != nil {
		return err
	}
	return x.CatchUp(ctx, progress)
}

// Afresh removes the index and makes it anew.
func (x *Index) Afresh(ctx context.Context, progress func(done, total uint64)) error {
	e, err := x.opened()
	if err != nil {
		return err
	}
	x.mu.RUnlock()
	if err := x.begin(ctx); err != nil {
		return err
	}
	x.discard(e, errors.New("its owner asked for it"))
	x.done()
	return x.CatchUp(ctx, progress)
}

func (x *Index) forget(ctx context.Context, lists []store.List) error {
	if err := x.begin(ctx); err != nil {
		return err
	}
	defer x.done()
	return x.use(func(e *engine) error {
		b := index.NewBatch()
		for _, l := range lists {
			b.DeleteInternal([]byte(keyCursor(l.ID)))
		}
		return e.apply(b)
	})
}

// work is one run of the follower.
type work struct {
	*Index
	done, total uint64
	progress    func(done, total uint64)
}

func (w *work) cursor(list uint64) (c cursor, err error) {
	err = w.use(func(e *engine) error {
		c, err = e.cursor(list)
		return err
	})
	return c, err
}

func (w *work) apply(b *index.Batch) error {
	return w.use(func(e *engine) error { return e.apply(b) })
}

// dropRemovedLists takes out the posts of lists that are no more, and those of lists that another store had under the same number.
func (w *work) dropRemovedLists(lists []store.List) error {
	var have []uint64
	err := w.use(func(e *engine) (err error) {
		have, err = e.lists()
		return err
	})
	for _, id := range have {
		if err == nil && !slices.ContainsFunc(lists, func(l store.List) bool { return l.ID == id }) {
			err = w.drop(id)
		}
	}
	return err
}

// drop takes a list out, in bounded steps. Its cursor goes first, for what is taken out twice does no harm.
func (w *work) drop(list uint64) error {
	for first := true; ; first = false {
		b := index.NewBatch()
		err := w.use(func(e *engine) error {
			if first {
				b.DeleteInternal([]byte(keyCursor(list)))
			}
			return e.read(func(r index.IndexReader) error { return deleteSome(b, r, list) })
		})
		if err != nil {
			return err
		}
		if len(b.IndexOps) == 0 {
			return w.use(func(e *engine) error {
				ids, err := e.lists()
				if err == nil {
					err = setJSON(b, keyLists, slices.DeleteFunc(ids, func(id uint64) bool { return id == list }))
				}
				if err == nil {
					err = e.apply(b)
				}
				return err
			})
		}
		if err := w.apply(b); err != nil {
			return err
		}
	}
}

// deleteSome fills a batch with posts of a list.
func deleteSome(b *index.Batch, r index.IndexReader, list uint64) error {
	posts, err := r.TermFieldReader(context.Background(), []byte(strconv.FormatUint(list, 10)), inList, false, false, false)
	if err != nil {
		return err
	}
	defer posts.Close()
	for len(b.IndexOps) < batchRemoved {
		p, err := posts.Next(nil)
		if err != nil || p == nil {
			return err
		}
		id, err := r.ExternalID(p.ID)
		if err != nil {
			return err
		}
		b.Delete(id)
	}
	return nil
}

// follow brings one list up to its log.
func (w *work) follow(ctx context.Context, l store.List) error {
	log, err := w.Store.Log(l.ID)
	if err != nil {
		return err
	}
	c, err := w.cursor(l.ID)
	if err != nil {
		return err
	}
	agrees, err := w.agrees(l, log, c)
	switch {
	case err != nil:
		return err
	case !agrees:
		if err := w.drop(l.ID); err != nil {
			return err
		}
		c = cursor{}
	case c.Upto == log.Last && c.Removed == log.Last-log.Count && c.Redacted == log.Redactions:
		return nil
	}
	if c.Upto == 0 {
		if err := w.register(l.ID); err != nil {
			return err
		}
	}
	if removed := log.Last - log.Count; removed != c.Removed {
		if err := w.dropRemoved(l, &c, removed); err != nil {
			return err
		}
	}
	if log.Redactions != c.Redacted {
		if err := w.redact(ctx, l, &c); err != nil {
			return err
		}
	}
	return w.add(ctx, l, c, log.Last)
}

// agrees tells whether the log is the one that the index has followed. The post at the cursor is compared once.
func (w *work) agrees(l store.List, log store.Log, c cursor) (agrees bool, err error) {
	if c.Upto > log.Last || c.Removed > log.Last-log.Count || c.Redacted > log.Redactions {
		return false, nil
	}
	err = w.use(func(e *engine) error {
		if agrees = c.Upto == 0 || e.agreed[l.ID]; agrees {
			return nil
		}
		p, err := w.Store.Post(l.ID, c.Upto)
		agrees = err == nil && bytes.Equal(p.Content[:], c.Content)
		e.agreed[l.ID] = agrees
		return err
	})
	return agrees, err
}

// register adds a list to those whose posts the index holds.
func (w *work) register(list uint64) error {
	return w.use(func(e *engine) error {
		ids, err := e.lists()
		if err != nil || slices.Contains(ids, list) {
			return err
		}
		b := index.NewBatch()
		if err := setJSON(b, keyLists, append(ids, list)); err != nil {
			return err
		}
		return e.apply(b)
	})
}

// dropRemoved takes out the posts that were removed from the archive.
func (w *work) dropRemoved(l store.List, c *cursor, removed uint64) error {
	numbers, err := w.Store.Removed(l.ID)
	if err != nil {
		return err
	}
	c.Removed = removed
	for part := range slices.Chunk(numbers, batchRemoved) {
		b := index.NewBatch()
		for _, n := range part {
			b.Delete(documentID(l.ID, n))
		}
		if err := w.apply(b); err != nil {
			return err
		}
	}
	b := index.NewBatch()
	if err := setJSON(b, keyCursor(l.ID), c); err != nil {
		return err
	}
	return w.apply(b)
}

// redact indexes anew the posts of which something was taken out. Those behind the cursor are to come.
func (w *work) redact(ctx context.Context, l store.List, c *cursor) error {
	numbers, err := w.Store.Redacted(l.ID, c.Redacted)
	if err != nil {
		return err
	}
	c.Redacted += uint64(len(numbers))
	for part := range slices.Chunk(numbers, batchPosts) {
		var posts []store.Post
		for _, n := range part {
			p, err := w.Store.Post(l.ID, n)
			if err != nil {
				return err
			}
			if n <= c.Upto {
				posts = append(posts, p)
			}
		}
		b, err := w.batch(ctx, l, posts)
		if err == nil {
			err = w.apply(b)
		}
		if err != nil {
			return err
		}
	}
	b := index.NewBatch()
	if err := setJSON(b, keyCursor(l.ID), c); err != nil {
		return err
	}
	return w.apply(b)
}

// add indexes the posts behind the cursor. While one batch is written the next is made.
func (w *work) add(ctx context.Context, l store.List, c cursor, upto uint64) error {
	applied := make(chan error, 1)
	applied <- nil
	for c.Upto < upto {
		posts, err := w.nextPosts(l.ID, c.Upto+1, upto)
		var b *index.Batch
		if err == nil {
			b, err = w.batch(ctx, l, posts)
		}
		if err == nil {
			last := posts[len(posts)-1]
			c.Upto, c.Content = last.Number, last.Content[:]
			err = setJSON(b, keyCursor(l.ID), c)
		}
		if err := errors.Join(err, <-applied); err != nil {
			return err
		}
		go func() { applied <- w.apply(b) }()
		w.done += uint64(len(posts))
		if w.progress != nil {
			w.progress(w.done, max(w.done, w.total))
		}
	}
	return <-applied
}

// nextPosts are as many as a batch takes: one at least.
func (w *work) nextPosts(list, from, to uint64) (posts []store.Post, err error) {
	size := int64(0)
	for p, err := range w.Store.Posts(list, from, to) {
		if err != nil {
			return nil, err
		}
		posts = append(posts, p)
		if size += p.Size; len(posts) == batchPosts || size > batchBytes {
			break
		}
	}
	if len(posts) == 0 {
		return nil, fmt.Errorf("post %d is missing from the store", from)
	}
	return posts, nil
}

func (w *work) batch(ctx context.Context, l store.List, posts []store.Post) (*index.Batch, error) {
	docs := make([]*document.Document, len(posts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range posts {
		if p.Removed {
			continue
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			raw, err := w.Store.Raw(p.List, p.Number)
			if errors.Is(err, store.ErrNotFound) {
				return nil // removed a moment ago
			}
			if store.IsDamage(err) { // the others are not to wait for it
				w.Log.Error("a post cannot be indexed for search", "list", l.Address(), "number", p.Number, "cause", err)
				return nil
			}
			if err == nil {
				docs[i] = described(p, raw, l.Language)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	b := index.NewBatch()
	for _, d := range docs {
		if d != nil {
			b.Update(d)
		}
	}
	return b, nil
}
