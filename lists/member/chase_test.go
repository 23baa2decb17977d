package member_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

const day = 24 * time.Hour

// world is a list with an owner and the member Asha, and a clock.
type world struct {
	*member.Roll
	t     *testing.T
	store *store.Store
	crash *storetest.Crash
	list  store.List
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	w.store, w.crash = storetest.NewCrashing(t)
	var err error
	w.list, err = w.store.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	w.must(err)
	for a, role := range map[string]store.Role{"meera@example.org": store.RoleOwner, "asha@example.org": store.RoleMember} {
		m, err := w.store.NewMember(w.list.ID, a, w.now)
		w.must(err)
		m.Role = role
		w.must(w.store.AddMember(m))
	}
	w.restart()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// restart forgets what is not in the store.
func (w *world) restart() {
	clock, log := func() time.Time { return w.now }, slog.New(slog.DiscardHandler)
	office := notice.New(notice.Options{Store: w.store, Hostname: "mail.example.org", Server: "lists.example.org", Now: clock, Log: log})
	w.Roll = member.New(member.Options{Store: w.store, Addresses: lists.NewAddresses(w.store, []string{"lists.example.org"}), Office: office,
		WebURL: "https://lists.example.org", Now: clock, Log: log})
}

func (w *world) asha() store.Member {
	w.t.Helper()
	m, err := w.store.Member(w.list.ID, "asha@example.org")
	w.must(err)
	return m
}

// suspend lets mail to Asha fail on two days. The clock stands on the second.
func (w *world) suspend() {
	w.t.Helper()
	for range 2 {
		w.now = w.now.Add(day)
		w.must(w.store.RecordFailure(store.FailedCopy{Member: w.asha().ID, Permanent: true, Recipient: "asha@example.org", Answer: "550 no such user", At: w.now}))
	}
}

func (w *world) post(subject string) {
	w.t.Helper()
	_, err := w.store.Accept(context.Background(), store.Acceptance{List: w.list.ID, MessageID: subject, Build: func(uint64) ([]byte, store.Post, error) {
		return []byte("Subject: x\r\n\r\n"), store.Post{Subject: subject, From: "Meera", Received: w.now}, nil
	}})
	w.must(err)
}

// letters that were written since the last call: to whom, and the subject. last is the text of the last one, with its fields.
func (w *world) letters() (ls []string, last string) {
	w.t.Helper()
	jobs, err := w.store.Jobs()
	w.must(err)
	for _, j := range jobs {
		raw, err := w.store.JobRaw(j)
		w.must(err)
		h := archive.ParseHeader(raw)
		ls = append(ls, fmt.Sprintf("%s: %s", j.To[0], h.Text("Subject")))
		last = "Reply-To: " + h.Get("Reply-To") + "\n" + archive.Read(raw).Text
		w.must(w.store.DropJob(j.ID))
	}
	return ls, last
}

// run the chore every hour for some days, in a new process each time; what was written stands behind its day.
func (w *world) run(days int) (written []string) {
	w.t.Helper()
	for hour := range days*24 + 1 {
		w.restart()
		w.must(w.Chase(context.Background()))
		ls, _ := w.letters()
		for _, l := range ls {
			written = append(written, fmt.Sprintf("%d %s", hour/24, l))
		}
		w.now = w.now.Add(time.Hour)
	}
	return written
}

const (
	asked     = " asha@example.org: Mail of heplink does not reach you"
	complaint = " asha@example.org: Do you still want mail of heplink?"
	gone      = " asha@example.org: You have left heplink"
	report    = " meera@example.org: Members of heplink whom mail does not reach"
)

func (w *world) want(got []string, wants ...string) {
	w.t.Helper()
	if !slices.Equal(got, wants) {
		w.t.Fatalf("written:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(wants, "\n"))
	}
}

func TestSuspendedMemberIsAskedThenRemoved(t *testing.T) {
	w := newWorld(t)
	w.suspend()
	w.want(w.run(40), "0"+report, "3"+asked, "7"+asked, "7"+report, "14"+asked, "14"+report, "21"+gone, "21"+report)
	if _, err := w.store.Member(w.list.ID, "asha@example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("she is still there: %v", err)
	}
}

func TestWhoComplainedIsAskedAtOnceAndNeverRemovedInSilence(t *testing.T) {
	w := newWorld(t)
	w.must(w.Complain(context.Background(), w.list, "asha@example.org", "marked as unwanted"))
	w.must(w.Complain(context.Background(), w.list, "asha@example.org", "marked as unwanted")) // she pressed it twice
	ls, _ := w.letters()
	w.want(ls, strings.TrimSpace(complaint))
	w.want(w.run(30), "0"+report, "3"+complaint, "7"+complaint, "7"+report, "14"+complaint, "14"+report, "21"+gone, "21"+report)
}

func TestServerThatWasDownAsksOnce(t *testing.T) {
	w := newWorld(t)
	w.suspend()
	w.now = w.now.Add(8 * day)
	w.want(w.run(5), "0"+asked, "0"+report)
	if m := w.asha(); m.Failure.Asked != 2 {
		t.Errorf("asked %d", m.Failure.Asked)
	}
}

func TestQuestionSaysWhatWasMissed(t *testing.T) {
	w := newWorld(t)
	w.post("Before")
	w.suspend()
	for i := range 25 {
		w.post(fmt.Sprintf("Stock %d", i))
	}
	w.must(w.store.RemovePost(w.list.ID, 3)) // an owner removed Stock 1
	w.want(w.run(0), "0"+report)
	w.now = w.now.Add(3 * day)
	w.must(w.Chase(context.Background()))
	ls, text := w.letters()
	w.want(ls, strings.TrimSpace(asked))
	for _, want := range []string{"Reply-To: heplink-confirm+", "550 no such user", "missed since then: 24", "2 Stock 0 (Meera)", "22 Stock 20 (Meera)", "…", "ends on 2026-12-17"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	for _, not := range []string{"Before", "Stock 1 ", "Stock 21"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in:\n%s", not, text)
		}
	}
}

func TestWhoCameBackIsLeftInPeace(t *testing.T) {
	w := newWorld(t)
	w.suspend()
	w.want(w.run(4), "0"+report, "3"+asked)
	w.must(w.Resume(w.list, "asha@example.org"))
	w.want(w.run(30))
	if m := w.asha(); m.Failure.State(w.now) != "good" || m.Failure.Count != 2 {
		t.Errorf("failure %+v", m.Failure)
	}
	w.suspend() // and when it fails again all begins anew
	w.want(w.run(4), "0"+report, "3"+asked)
}

// A process that dies between any two commits leaves nothing undone and does nothing twice.
func TestCrashNeitherLosesNorRepeats(t *testing.T) {
	ctx := context.Background()
	for commits := range 4 {
		w := newWorld(t)
		crashing := func(do func() error) {
			w.t.Helper()
			w.crash.After(commits)
			if err := do(); err != nil && !errors.Is(err, storetest.ErrCrash) {
				t.Fatal(err)
			}
			w.crash.After(-1)
			w.restart()
			w.must(do())
		}
		crashing(func() error { return w.Complain(ctx, w.list, "asha@example.org", "marked as unwanted") })
		ls, _ := w.letters()
		w.want(ls, strings.TrimSpace(complaint))
		for _, step := range []struct {
			after time.Duration
			wants []string
		}{{3 * day, []string{complaint, report}}, {4 * day, []string{complaint}}, {7 * day, []string{complaint, report}}, {7 * day, []string{gone, report}}} {
			w.now = w.now.Add(step.after)
			crashing(func() error { return w.Chase(ctx) })
			ls, _ := w.letters()
			for i := range step.wants {
				step.wants[i] = strings.TrimSpace(step.wants[i])
			}
			w.want(ls, step.wants...)
		}
	}
}

// A welcome and a goodbye are written with the change: neither goes without the other.
func TestCrashWhileJoiningAndLeaving(t *testing.T) {
	w := newWorld(t)
	m, err := w.store.NewMember(w.list.ID, "claire@example.org", w.now)
	w.must(err)
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return w.Add(context.Background(), w.list, m, false) }, "claire@example.org: Welcome to heplink"},
		{func() error { return w.Remove(context.Background(), w.list, m.Address, false) }, "claire@example.org: You have left heplink"},
	} {
		w.crash.After(0)
		if err := step.do(); !errors.Is(err, storetest.ErrCrash) {
			t.Fatal(err)
		}
		w.crash.After(-1)
		w.must(step.do())
		ls, _ := w.letters()
		w.want(ls, step.want)
		if err := step.do(); !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a second time: %v", err)
		}
		ls, _ = w.letters()
		w.want(ls)
	}
}
