package mbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"wesouthasians.org/sangam/store"
)

// Export writes the posts of a list as mboxrd with LF lines, in the order of the log; those received before since are left out (zero: all).
// One post at a time is in memory. It returns how many were written.
func Export(ctx context.Context, w io.Writer, st *store.Store, list store.List, since time.Time) (int, error) {
	out, n := NewWriter(w), 0
	for p, err := range st.Posts(list.ID, 1, math.MaxUint64) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return n, fmt.Errorf("export posts: %w", err)
		}
		if p.Removed || p.Received.Before(since) {
			continue
		}
		raw, err := st.Raw(list.ID, p.Number)
		if errors.Is(err, store.ErrNotFound) { // removed meanwhile
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
	return n, nil
}
