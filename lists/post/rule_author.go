package post

import (
	"errors"

	"wesouthasians.org/sangam/store"
)

func isRobot(a store.Address) bool { return a.Local() == "mailer-daemon" }

// author refuses a post that nobody signs.
func author(p *Post) outcome {
	if len(p.Authors()) == 0 {
		return reject([3]int{5, 6, 0}, "the From field has no mail address: set one in your mail program and send again")
	}
	return outcome{}
}

// duplicate: the same message again is taken and not distributed; another with the same Message-ID waits.
func duplicate(p *Post) outcome {
	switch {
	case errors.Is(p.Seen, store.ErrDuplicate):
		return outcome{action: Duplicate, reason: "the same message was posted already"}
	case errors.Is(p.Seen, store.ErrConflict):
		return hold("another message has the same Message-ID")
	}
	return outcome{}
}
