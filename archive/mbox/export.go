package mbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wesouthasians.org/sangam/store"
)

// ErrDamaged: some posts were left out of an export.
var ErrDamaged = errors.New("posts are damaged and were left out: run `sangam check`, which says what to do")

// Export writes the posts of a list as mboxrd with LF lines, in the order of the log; those received before since are left out (zero: all).
// One post at a time is in memory. It returns how many were written. What is damaged is left out, and told by ErrDamaged when all
// else is written.
func Export(ctx context.Context, w io.Writer, st *store.Store, list store.List, since time.Time) (int, error) {
	out, n := NewWriter(w), 0
	log, err := st.Log(list.ID)
	if err != nil {
		return 0, fmt.Errorf("export posts: %w", err)
	}
	next, damaged := uint64(1), uint64(0)
	for p, err := range st.Posts(list.ID, 1, log.Last) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return n, fmt.Errorf("export posts: %w", err)
		}
		damaged += p.Number - next
		next = p.Number + 1
		if p.Removed || p.Received.Before(since) {
			continue
		}
		raw, err := st.Raw(list.ID, p.Number)
		if errors.Is(err, store.ErrNotFound) { // removed meanwhile
			continue
		}
		if store.IsDamage(err) {
			damaged++
			continue
		}
		if err == nil {
			err = out.Write(p.Received, raw)
		}
		if err != nil {
			return n, fmt.Errorf("export post %d: %w", p.Number, err)
		}
		n++
	}
	if err := out.Flush(); err != nil {
		return n, fmt.Errorf("export posts: %w", err)
	}
	if damaged += log.Last + 1 - next; damaged > 0 {
		return n, fmt.Errorf("%d %w", damaged, ErrDamaged)
	}
	return n, nil
}
