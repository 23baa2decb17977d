package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func distributed(t *testing.T, s *store.Store, l store.List) (ns []uint64) {
	t.Helper()
	for p, err := range s.Distributed(l.ID, 1, 100) {
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := s.DistributedRaw(l.ID, p.Number); err != nil || len(raw) == 0 || p.Subject == "" {
			t.Errorf("post %d %q is %q, %v", p.Number, p.Subject, raw, err)
		}
		ns = append(ns, p.Number)
	}
	return ns
}

// A post that is not archived is gone from the log at once, and from the store when it is with everybody.
func TestUnarchivedPost(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	join(t, s, l, "each@x.org")
	reader := join(t, s, l, "digest@x.org")
	if _, err := s.UpdateMember(l.ID, reader.Address, func(m *store.Member) error { m.Delivery = store.DeliverDigest; return nil }); err != nil {
		t.Fatal(err)
	}
	a := mail(l, "a@x", "not for the archive")
	a.Deliver, a.Unarchived = true, true
	p := accept(t, s, a)
	got, err := s.Post(l.ID, p.Number)
	if err != nil || !got.Removed || !got.Unarchived || got.Subject != "" {
		t.Errorf("in the log is %+v, %v", got, err)
	}
	if _, err := s.Raw(l.ID, p.Number); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its bytes are in the archive: %v", err)
	}
	log, _ := s.Log(l.ID)
	if th, err := s.Thread(l.ID, p.Thread); err != nil || th.Subject != "" || log.Count != 0 || log.Last != 1 {
		t.Errorf("thread %+v, log %+v, %v", th, log, err)
	}
	if _, err := s.Accept(context.Background(), a); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("sent again: %v", err)
	}
	js, err := s.Jobs()
	if err != nil || len(js) != 1 {
		t.Fatal(js, err)
	}
	if raw, err := s.JobRaw(js[0]); err != nil || string(raw) != "not for the archive" {
		t.Errorf("sent is %q, %v", raw, err)
	}
	settle := func(st store.Settlement) {
		t.Helper()
		if err := s.Settle(context.Background(), []store.Settlement{st}); err != nil {
			t.Fatal(err)
		}
	}
	settle(store.Settlement{Job: js[0].ID, Exhausted: true})
	if w, err := s.DigestWaiting(l.ID, 1000); err != nil || w.First.Number != p.Number || len(distributed(t, s, l)) != 1 {
		t.Errorf("waiting for a digest: %+v, %v", w, err)
	}
	plan, err := s.PlanDigest(l.ID, p.Number, now)
	if err != nil || len(plan.Digests) != 1 {
		t.Fatal(plan, err)
	}
	plan.Digests[0].Raw = []byte("digest")
	if err := s.MakeDigests(context.Background(), l.ID, plan, now); err != nil {
		t.Fatal(err)
	}
	if ns := distributed(t, s, l); len(ns) != 0 {
		t.Errorf("still there: %v", ns)
	}
	if _, err := s.DistributedRaw(l.ID, p.Number); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its bytes are still there: %v", err)
	}
}

func TestUnarchivedPostThatIsRemoved(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	a := mail(l, "a@x", "not for the archive")
	a.Deliver, a.Unarchived = true, true
	p := accept(t, s, a)
	if err := s.RemovePost(l.ID, p.Number); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DistributedRaw(l.ID, p.Number); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its bytes are still there: %v", err)
	}
}

func TestRedact(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	p := accept(t, s, mail(l, "a@x", "name and address"))
	short := sha256.Sum256([]byte("name"))
	redact := func(make func(store.Post, []byte) ([]byte, store.Post, error)) (store.Post, error) {
		return s.Redact(store.Redaction{List: l.ID, Number: p.Number, Make: make, Gone: func(store.File) bool { return false }})
	}
	changed := s.PostsChanged(l.ID)
	got, err := redact(func(_ store.Post, raw []byte) ([]byte, store.Post, error) {
		return raw[:4], store.Post{Content: short, Lines: 1}, nil
	})
	if err != nil || got.Size != 4 || got.Lines != 1 || got.Subject != p.Subject || got.Number != p.Number {
		t.Errorf("%+v, %v", got, err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
	raw, err := s.Raw(l.ID, p.Number)
	if ns, listErr := s.Redacted(l.ID, 0); string(raw) != "name" || err != nil || len(ns) != 1 || ns[0] != p.Number || listErr != nil {
		t.Errorf("bytes %q, %v; changed are %v, %v", raw, err, ns, listErr)
	}
	for _, content := range [][32]byte{short, sha256.Sum256([]byte("name and address"))} {
		if err := s.Seen(l.ID, "a@x", content); !errors.Is(err, store.ErrDuplicate) {
			t.Errorf("sent again: %v", err)
		}
	}
	_, err = redact(func(_ store.Post, raw []byte) ([]byte, store.Post, error) {
		_, inner := redact(func(_ store.Post, raw []byte) ([]byte, store.Post, error) { return raw, store.Post{}, nil })
		return raw, store.Post{}, inner
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("changed by two at once: %v", err)
	}
	s.RemovePost(l.ID, p.Number)
	if _, err := redact(nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a removed post: %v", err)
	}
}
