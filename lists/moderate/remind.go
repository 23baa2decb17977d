package moderate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// Times of the queue.
const (
	day         = 24 * time.Hour
	expireAfter = 14 * day
	remindEvery = day
)

// maxReminded is how many posts a reminder shows.
const maxReminded = 50

// Remind tells the moderators of every list once a day what waits, and drops what waited for too long with a notice to its author. It may
// be called at any time.
func (d *Desk) Remind(context.Context) error {
	held, err := d.Store.HeldPosts(0)
	if err != nil {
		return err
	}
	now := d.Now()
	waiting := map[uint64][]store.Held{}
	for _, h := range held {
		switch age := now.Sub(h.Received); {
		case age >= expireAfter:
			if err := d.expire(h); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		case age >= remindEvery:
			waiting[h.List] = append(waiting[h.List], h)
		}
	}
	for list, hs := range waiting {
		if err := d.remind(list, hs, now); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (d *Desk) expire(h store.Held) error {
	l, err := d.Store.ListByID(h.List)
	if err != nil {
		return err
	}
	letters, err := d.toAuthor("expired", l, h, notice.Values{"days": fmt.Sprint(int(expireAfter / day))})
	if err != nil {
		return err
	}
	return d.drop("discarded", h, l, letters, "reasons", []string{"nobody decided about it"})
}

func (d *Desk) remind(list uint64, hs []store.Held, now time.Time) error {
	const stamp = "held-reminder"
	last, err := d.Store.Stamp(list, stamp)
	if err != nil || now.Sub(last) < remindEvery {
		return err
	}
	l, err := d.Store.ListByID(list)
	if err != nil {
		return err
	}
	staff, err := d.staff(l)
	if err != nil {
		return err
	}
	var posts, commands []string
	for _, h := range hs[:min(len(hs), maxReminded)] {
		posts = append(posts, fmt.Sprintf("%d  %s  %s\n   %s", h.ID, h.Received.Format(time.DateOnly), h.From, h.Subject))
		commands = append(commands, fmt.Sprintf("APPROVE %d", h.ID))
	}
	if len(hs) > maxReminded {
		posts, commands = append(posts, "…"), append(commands, "HELD")
	}
	letters, err := d.Office.WriteEach(l, staff, func(string) notice.Mail {
		return notice.Mail{Name: "reminder", Values: notice.Values{"count": fmt.Sprint(len(hs)), "posts": strings.Join(posts, "\n"),
			"commands": strings.Join(commands, "\n"), "days": fmt.Sprint(int(expireAfter / day))}}
	})
	if err != nil {
		return err
	}
	return d.Store.SetStamp(list, stamp, now, letters...)
}
