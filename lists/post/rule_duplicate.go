package post

import (
	"errors"

	"wesouthasians.org/sangam/store"
)

// duplicate: the same message again is taken and not distributed; another with the same Message-ID waits.
func duplicate(p *Post) outcome {
	switch {
	case errors.Is(p.Seen, store.ErrDuplicate):
		return outcome{action: Duplicate, reason: "the same message was posted already"}
	case errors.Is(p.Seen, store.ErrConflict):
		return hold("conflict", "another message has the same Message-ID")
	}
	return outcome{}
}
