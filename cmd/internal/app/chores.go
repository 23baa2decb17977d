package app

import (
	"context"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/store"
)

// chores are what must be done by the clock. Each may run at any time and does its work once: what was done is in the store.
type chores struct {
	parts *Parts
	store *store.Store
	log   *slog.Logger
}

// choresEvery is how long a digest or a reminder may be late.
const choresEvery = 30 * time.Second

// Run works until the context ends. A post wakes it, for it may make a digest full.
func (c *chores) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		posts, digests := c.store.PostsChanged(0), c.store.DigestsChanged()
		for _, chore := range []struct {
			name string
			do   func(context.Context) error
		}{
			{"digests", c.parts.Digests.Due},
			{"reminders", c.parts.Desk.Remind},
			{"suspended members", c.parts.Members.Chase},
			{"tokens", func(context.Context) error { return c.store.SweepTokens(c.parts.Now()) }},
		} {
			if err := chore.do(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("a chore failed and is tried again", "chore", chore.name, "cause", err)
			}
		}
		timer := time.NewTimer(choresEvery)
		select {
		case <-ctx.Done():
		case <-posts:
			pause(ctx, time.Second) // posts come in bursts
		case <-digests:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
