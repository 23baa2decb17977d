package mbox_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// What is damaged does not keep the rest from being saved, and is told.
func TestExportLeavesOutWhatIsDamaged(t *testing.T) {
	st, hurt := storetest.NewHurt(t)
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "x.org", Settings: store.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two", "three"} {
		raw := []byte("From: a@x.org\r\nMessage-ID: <" + id + "@x.org>\r\n\r\ntext\r\n")
		_, err := st.Accept(context.Background(), store.Acceptance{List: l.ID, MessageID: id + "@x.org", Content: sha256.Sum256(raw),
			Build: func(uint64) ([]byte, store.Post, error) { return raw, archive.Describe(raw, time.Now()).Post, nil }})
		if err != nil {
			t.Fatal(err)
		}
	}
	export := func(missing string) {
		t.Helper()
		var out strings.Builder
		n, err := mbox.Export(context.Background(), &out, st, l, time.Time{})
		if !errors.Is(err, mbox.ErrDamaged) || n != 2 || strings.Contains(out.String(), missing) || strings.Count(out.String(), "\nMessage-ID:") != 2 {
			t.Errorf("%d exported, %v\n%s", n, err, out.String())
		}
	}
	hurt.Bytes(l.ID, 2)
	export("two")
	hurt.Post(l.ID, 3)
	export("three")
	hurt.Post(l.ID, 1)
	export("one")
}
