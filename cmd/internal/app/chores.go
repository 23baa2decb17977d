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

// Run works until the context ends. A post wakes the digests, for it may make one full; all else goes by the clock alone.
func (c *chores) Run(ctx context.Context) error {
	var clock time.Time
	for ctx.Err() == nil {
		posts, digests := c.store.PostsChanged(0), c.store.DigestsChanged()
		c.do(ctx, "digests", c.parts.Digests.Due)
		if time.Since(clock) >= choresEvery {
			clock = time.Now()
			c.do(ctx, "reminders", c.parts.Desk.Remind)
			c.do(ctx, "suspended members", c.parts.Members.Chase)
			c.do(ctx, "delays", c.parts.Members.Delays)
			c.do(ctx, "tokens", func(context.Context) error { return c.store.SweepTokens(c.parts.Now()) })
		}
		timer := time.NewTimer(choresEvery - time.Since(clock))
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

func (c *chores) do(ctx context.Context, name string, chore func(context.Context) error) {
	if err := chore(ctx); err != nil && ctx.Err() == nil {
		c.log.Error("a chore failed and is tried again", "chore", name, "cause", err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
