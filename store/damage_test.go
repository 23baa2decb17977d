package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// A damaged row is an error of who asks for it. What goes through a table leaves it out.
func TestDamagedRowIsAlone(t *testing.T) {
	s, hurt := storetest.NewHurt(t)
	l := newList(t, s, "heplink")
	join(t, s, l, "asha@x.org")
	for _, id := range []string{"a@x", "b@x", "c@x"} {
		a := mail(l, id, "body of "+id)
		a.Deliver = true
		accept(t, s, a)
	}
	hurt.Bytes(l.ID, 2)
	if _, err := s.Raw(l.ID, 2); !store.IsDamage(err) || !strings.Contains(err.Error(), "run `sangam check`") {
		t.Errorf("damaged bytes: %v", err)
	}
	if raw, err := s.Raw(l.ID, 1); err != nil || string(raw) != "body of a@x" {
		t.Errorf("whole bytes: %q, %v", raw, err)
	}
	if err := s.RemovePost(l.ID, 2); err != nil {
		t.Errorf("a post whose bytes are damaged is not removed: %v", err)
	}
	hurt.Post(l.ID, 1)
	var ns []uint64
	for p, err := range s.Posts(l.ID, 1, 9) {
		if err != nil {
			t.Fatal(err)
		}
		ns = append(ns, p.Number)
	}
	if _, err := s.Post(l.ID, 1); !store.IsDamage(err) || len(ns) != 2 || ns[0] != 2 {
		t.Errorf("posts are %v; the damaged one: %v", ns, err)
	}
	if _, err := s.Accept(context.Background(), mail(l, "d@x", "d")); err != nil {
		t.Errorf("a new post: %v", err)
	}
	for _, table := range []byte("LJMHD") {
		hurt.Table(table)
		_, listErr := s.Lists()
		_, jobErr := s.Jobs()
		_, heldErr := s.HeldPosts(0)
		_, _, dueErr := s.Due(now, 10, func(uint64, store.Address) bool { return false })
		var memberErr error
		for _, err := range s.Members(l.ID, "") {
			memberErr = err
		}
		if err := errors.Join(listErr, jobErr, heldErr, dueErr, memberErr); err != nil {
			t.Errorf("table %c: %v", table, err)
		}
	}
}
