package member_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func TestJoinAndLeave(t *testing.T) {
	st, ctx := storetest.NewStore(t), context.Background()
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	office := notice.New(notice.Options{Store: st, Hostname: "lists.example.org", Server: "lists.example.org", Now: time.Now, Log: logger})
	roll := member.New(member.Options{Store: st, Office: office, Now: time.Now, Log: logger})
	m, err := st.NewMember(l.ID, "Meera@example.org", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m.Role = store.RoleOwner
	if err := roll.Add(ctx, l, m, false); err != nil {
		t.Fatal(err)
	}
	if err := roll.Add(ctx, l, m, false); !errors.Is(err, store.ErrExists) {
		t.Errorf("joined twice: %v", err)
	}
	if err := roll.Leave(ctx, m.ID); err != nil {
		t.Fatal(err)
	}
	if err := roll.Leave(ctx, m.ID); err != nil {
		t.Errorf("who is gone may leave again: %v", err)
	}
	if err := roll.Remove(ctx, l, m.Address, false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed who is not there: %v", err)
	}
	for _, want := range []string{"msg=joined", "msg=left", "level=WARN msg=\"the last owner left"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%s is not in the log once:\n%s", want, &log)
		}
	}
}
