package login_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"wesouthasians.org/sangam/archive/login"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func TestGuessingIsSlowed(t *testing.T) {
	st := storetest.NewStore(t)
	if err := st.SetPassword("asha@example.org", store.HashPassword("right"), time.Now()); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := login.New(st, slog.New(slog.DiscardHandler))
		try := func(remote, address, password string) (time.Duration, error) {
			start := time.Now()
			_, err := g.Check(context.Background(), netip.MustParseAddr(remote), address, password)
			return time.Since(start), err
		}
		for i, want := range []time.Duration{0, 0, 0, 1, 2, 4, 8, 15, 15} {
			if took, err := try("192.0.2.1", "asha@example.org", "wrong"); !errors.Is(err, login.ErrWrong) || took != want*time.Second {
				t.Errorf("wrong password %d took %v: %v", i+1, took, err)
			}
		}
		if took, _ := try("198.51.100.1", "asha@example.org", "wrong"); took != 15*time.Second {
			t.Errorf("from another network the account answers after %v", took)
		}
		if took, _ := try("192.0.2.200", "other@example.org", "wrong"); took != 15*time.Second {
			t.Errorf("the network may guess at another account after %v", took)
		}
		if took, err := try("203.0.113.1", "asha@example.org", "right"); err != nil || took != 15*time.Second {
			t.Errorf("the right password: %v after %v", err, took)
		}
		if took, err := try("203.0.113.1", "Asha@example.org", "right"); err != nil || took != 0 {
			t.Errorf("the right password again: %v after %v", err, took)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := g.Check(ctx, netip.MustParseAddr("192.0.2.1"), "asha@example.org", "right"); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that went away: %v", err)
		}
	})
}

// Guessing at many at the same time is no faster than guessing at one after the other in a few turns.
func TestGuessingTogetherGainsNothing(t *testing.T) {
	st := storetest.NewStore(t)
	synctest.Test(t, func(t *testing.T) {
		g := login.New(st, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(context.Background())
		judged := make(chan error, 40)
		for range cap(judged) {
			go func() {
				_, err := g.Check(ctx, netip.MustParseAddr("192.0.2.1"), "asha@example.org", "wrong")
				judged <- err
			}()
		}
		time.Sleep(time.Minute)
		if n := len(judged); n > 20 {
			t.Errorf("%d passwords were judged in a minute", n)
		}
		if _, err := g.Check(ctx, netip.MustParseAddr("198.51.100.7"), "ravi@example.org", "wrong"); !errors.Is(err, login.ErrWrong) {
			t.Errorf("another network: %v", err)
		}
		cancel()
	})
}
