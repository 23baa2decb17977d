package store_test

import (
	"errors"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

const day = 24 * time.Hour

// fails are days on which mail to a member fails: h for good, s for now, - not; several on one day stand in brackets.
func fail(t *testing.T, s *store.Store, m store.Member, days string) {
	t.Helper()
	at, within := now, false
	for _, c := range days {
		switch c {
		case '[':
			within = true
			continue
		case ']':
			within = false
		case 'h', 's':
			if err := s.RecordFailure(store.FailedCopy{Member: m.ID, Permanent: c == 'h', Recipient: m.Address, Answer: "550 no", At: at}); err != nil {
				t.Fatal(err)
			}
		}
		if !within {
			at = at.Add(day)
		}
	}
}

func TestScore(t *testing.T) {
	for _, c := range []struct {
		days      string
		threshold float64
		score     float64
		state     string
	}{
		{"h", 5, 2.5, "failing"},
		{"[hhhh]", 5, 2.5, "failing"}, // a day counts once
		{"[sssh]", 5, 2.5, "failing"}, // by the worst of it
		{"[hs]", 5, 2.5, "failing"},
		{"hh", 5, 5, "suspended"},
		{"sssssss", 5, 4.9, "failing"},
		{"ssssssss", 5, 5.6, "suspended"},
		{"hsssh", 5, 7.1, "suspended"},
		{"h", 1, 2.5, "suspended"},
		{"s", 1, 0.7, "failing"},
		{"h-------------h", 5, 5, "suspended"},
		{"h--------------h", 5, 2.5, "failing"}, // forgotten in between
		{"h---------------", 5, 0, "good"},
		{"[hh]-[hh]", 5, 5, "suspended"},
	} {
		s := storetest.NewStore(t)
		l := newList(t, s, "heplink")
		if _, err := s.UpdateList(l.ID, func(l *store.List) error { l.BounceThreshold = c.threshold; return nil }); err != nil {
			t.Fatal(err)
		}
		m := join(t, s, l, "asha@example.org")
		fail(t, s, m, c.days)
		m, err := s.Member(l.ID, m.Address)
		if err != nil {
			t.Fatal(err)
		}
		at := m.Failure.Last.Add(time.Hour)
		if c.state == "good" {
			at = at.Add(14 * day)
		}
		if got := m.Failure.CurrentScore(at); got != c.score || m.Failure.State(at) != c.state {
			t.Errorf("%s at %v: score %v, %s; want %v, %s", c.days, c.threshold, got, m.Failure.State(at), c.score, c.state)
		}
	}
}

func TestQuestionIsPutOnce(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	m := join(t, s, l, "asha@example.org")
	token := store.Token{Purpose: store.PurposeResume, List: l.ID, Address: m.Address, Created: now, Expires: now.Add(day)}
	ask := func(n int) error {
		return s.Ask(l.ID, m.Address, n, store.NewSecret(), token, store.NewLetter(store.Job{To: []store.Address{m.Address}}, []byte("Subject: x\r\n\r\n")))
	}
	if err := ask(1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("who is not suspended was asked: %v", err)
	}
	fail(t, s, m, "hh")
	if err := errors.Join(ask(1), ask(2)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2} {
		if err := ask(n); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("question %d was put again: %v", n, err)
		}
	}
	if jobs, err := s.Jobs(); len(jobs) != 2 || err != nil {
		t.Errorf("%d letters, %v", len(jobs), err)
	}
	if err := s.Expel(l.ID, m.Address, now); err != nil {
		t.Fatal(err)
	}
	if err := ask(3); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("who is gone was asked: %v", err)
	}
}

func TestWhoCameBackIsNotExpelled(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	m := join(t, s, l, "asha@example.org")
	if err := s.Expel(l.ID, m.Address, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("expelled: %v", err)
	}
	if _, err := s.Member(l.ID, m.Address); err != nil {
		t.Error(err)
	}
}
