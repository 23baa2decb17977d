package member_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
)

// The owners are told of a domain that takes no mail for hours, once; not of one where others get theirs.
func TestDelays(t *testing.T) {
	w := newWorld(t)
	for _, a := range []string{"ravi@district.example", "tenzin@district.example", "claire@mixed.example", "sunita@mixed.example"} {
		m, err := w.store.NewMember(w.list.ID, a, w.now)
		w.must(err)
		w.must(w.store.AddMember(m))
	}
	_, err := w.store.Accept(context.Background(), store.Acceptance{List: w.list.ID, MessageID: "1", Deliver: true, Build: func(uint64) ([]byte, store.Post, error) {
		return []byte("Subject: x\r\n\r\n"), store.Post{Received: w.now}, nil
	}})
	w.must(err)
	jobs, err := w.store.Jobs()
	w.must(err)
	waits := func(a store.Address) store.Deferral {
		return store.Deferral{Recipient: a, Member: w.store.MemberID(w.list.ID, a), Attempts: 1, Since: w.now, Next: w.now.Add(5 * time.Minute), LastAnswer: "no route to " + a.Domain()}
	}
	w.must(w.store.Settle(context.Background(), []store.Settlement{{Job: jobs[0].ID, Exhausted: true,
		Deferred: []store.Deferral{waits("ravi@district.example"), waits("tenzin@district.example"), waits("claire@mixed.example")}}}))

	var written []string
	text := ""
	for range 30 {
		w.restart()
		w.must(w.Delays(context.Background()))
		js, err := w.store.Jobs()
		w.must(err)
		for _, j := range js {
			if j.Number == 0 {
				raw, err := w.store.JobRaw(j)
				w.must(err)
				written, text = append(written, w.now.Format("15h ")+string(j.To[0])), string(raw)
				w.must(w.store.DropJob(j.ID))
			}
		}
		w.now = w.now.Add(time.Hour)
	}
	w.want(written, "13h meera@example.org")
	if !strings.Contains(text, "district.example (2)  2026-11-24 09:00 UTC\r\n") || !strings.Contains(text, "no route to district.example") || strings.Contains(text, "mixed") {
		t.Errorf("the notice says:\n%s", text)
	}
}
