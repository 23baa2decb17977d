package intake_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

var site = post.Site{Hostname: "mail.example.org", WebURL: "https://lists.example.org", DefaultDomain: "lists.example.org"}

// world is a site with the list heplink, its owner and the member Asha.
type world struct {
	*intake.Intake
	store     *store.Store
	list      store.List
	addresses *lists.Addresses
	desk      *moderate.Desk
	log       bytes.Buffer
	asha      store.Member
}

func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	w := &world{store: storetest.NewStore(t)}
	w.list = w.addList(t, "heplink", settings...)
	w.addMember(t, w.list, "meera@example.org", store.RoleOwner)
	w.asha = w.addMember(t, w.list, "asha@example.org", store.RoleMember)
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.addresses = lists.NewAddresses(w.store, []string{"lists.example.org"})
	admins := []store.Address{"admin@example.org"}
	office := notice.New(notice.Options{Store: w.store, Hostname: site.Hostname, Server: site.DefaultDomain, Now: time.Now, Log: log})
	w.desk = moderate.New(moderate.Options{Store: w.store, Addresses: w.addresses, Office: office, Site: site, Admins: admins, Now: time.Now, Log: log})
	roll := member.New(member.Options{Store: w.store, Addresses: w.addresses, Office: office, Admins: admins, Now: time.Now, Log: log})
	clerk := command.New(command.Options{Store: w.store, Addresses: w.addresses, Office: office, Members: roll, Desk: w.desk,
		Default: site.DefaultDomain, Now: time.Now, Log: log})
	w.Intake = intake.New(intake.Options{Store: w.store, Addresses: w.addresses, Members: roll, Clerk: clerk, Desk: w.desk, Site: site,
		Admins: admins, Now: time.Now, Log: log})
	return w
}

func (w *world) addList(t *testing.T, name string, settings ...string) store.List {
	t.Helper()
	l := store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings()}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := l.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	l, err := w.store.CreateList(l)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *world) addMember(t *testing.T, l store.List, address string, role store.Role) store.Member {
	t.Helper()
	m, err := w.store.NewMember(l.ID, address, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m.Role = role
	if err := w.store.AddMember(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// send by SMTP from Asha's address and return the answer for each recipient.
func (w *world) send(raw string, to ...string) []error {
	return w.Deliver(context.Background(), intake.Envelope{ID: "t1", Sender: "asha@example.org"}, to, []byte(strings.ReplaceAll(raw, "\n", "\r\n")))
}

func (w *world) posts(t *testing.T, l store.List) uint64 {
	t.Helper()
	log, err := w.store.Log(l.ID)
	if err != nil {
		t.Fatal(err)
	}
	return log.Count
}

func (w *world) held(t *testing.T) []store.Held {
	t.Helper()
	held, err := w.store.HeldPosts(0)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func code(err error) int {
	var r *store.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return 0
}

const (
	fromAsha  = "From: Asha Rao <asha@example.org>\nTo: heplink@lists.example.org\nDate: Tue, 24 Nov 2026 10:00:00 +0530\nMessage-ID: <1@example.org>\nSubject: Stock\n\nThe ampoules arrived.\n"
	fromGuest = "From: Guest <guest@example.net>\nTo: heplink@lists.example.org\nMessage-ID: <2@example.net>\nSubject: Question\n\nMay I ask?\n"
)

func TestPostIsNumberedAndDelivered(t *testing.T) {
	w := newWorld(t, "subject_prefix=[{name} {number}] ")
	if r := w.send(fromAsha, "HepLink@lists.example.org"); r[0] != nil {
		t.Fatal(r)
	}
	p, err := w.store.Post(w.list.ID, 1)
	if err != nil || p.Subject != "[heplink 1] Stock" || p.MessageID != "1@example.org" {
		t.Errorf("post %+v, %v", p, err)
	}
	if n, err := w.store.CountJobs(w.list.ID); n != 1 || err != nil {
		t.Errorf("%d jobs, %v", n, err)
	}
	if m, _ := w.store.Member(w.list.ID, "asha@example.org"); m.Approved != 1 {
		t.Errorf("approved %d", m.Approved)
	}
	if !strings.Contains(w.log.String(), "msg=accepted") {
		t.Errorf("log: %s", &w.log)
	}
}

func TestSameAgainIsTakenAndNotDistributed(t *testing.T) {
	without := strings.Replace(fromAsha, "Message-ID: <1@example.org>\n", "", 1)
	for name, raw := range map[string]string{"with Message-ID": fromAsha, "without": without} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for range 3 {
				if r := w.send(raw, "heplink@lists.example.org"); r[0] != nil {
					t.Fatal(r)
				}
			}
			if n := w.posts(t, w.list); n != 1 {
				t.Errorf("%d posts", n)
			}
		})
	}
}

func TestSameMessageIDOfAnotherTextIsHeldAndBothAreKept(t *testing.T) {
	w := newWorld(t)
	w.send(fromAsha, "heplink@lists.example.org")
	if r := w.send(fromAsha+"More.\n", "heplink@lists.example.org"); r[0] != nil {
		t.Fatal(r)
	}
	held := w.held(t)
	if len(held) != 1 {
		t.Fatalf("%d held", len(held))
	}
	if p, err := w.desk.Approve(context.Background(), held[0].ID); err != nil || p.Number != 2 {
		t.Errorf("approved as %d, %v", p.Number, err)
	}
}

func TestHeldPostIsDecided(t *testing.T) {
	for decision, want := range map[string]uint64{"approve": 1, "reject": 0, "discard": 0} {
		t.Run(decision, func(t *testing.T) {
			w, ctx := newWorld(t, "subject_prefix=[{name} {number}] "), context.Background()
			if r := w.send(fromGuest, "heplink@lists.example.org"); r[0] != nil {
				t.Fatal(r)
			}
			w.send(fromGuest, "heplink@lists.example.org") // the client was impatient
			held := w.held(t)
			if len(held) != 1 || held[0].Reasons[0] != "not from a member" || held[0].From != "Guest <guest@example.net>" {
				t.Fatalf("held %+v", held)
			}
			id := held[0].ID
			decide := map[string]func() error{
				"approve": func() error { _, err := w.desk.Approve(ctx, id); return err },
				"reject":  func() error { return w.desk.Reject(ctx, id, "not our subject") },
				"discard": func() error { return w.desk.Discard(ctx, id) },
			}[decision]
			if err := decide(); err != nil {
				t.Fatal(err)
			}
			if err := decide(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the second decision: %v", err)
			}
			if n := w.posts(t, w.list); n != want || len(w.held(t)) != 0 {
				t.Errorf("%d posts, %d held", n, len(w.held(t)))
			}
			if p, err := w.store.Post(w.list.ID, 1); want == 1 && (err != nil || p.Subject != "[heplink 1] Question") {
				t.Errorf("post %+v, %v", p, err)
			}
		})
	}
}

func TestApprovedAfterTheSameWasAcceptedIsNotPostedTwice(t *testing.T) {
	w := newWorld(t)
	w.send(fromGuest, "heplink@lists.example.org")
	w.store.UpdateList(w.list.ID, func(l *store.List) error { return l.Set("post", "anyone") })
	raw := strings.Replace(fromGuest, "<2@example.net>", "<2@example.net> ", 1)
	p := post.New(w.list, "guest@example.net", []byte(raw), time.Now())
	if _, err := w.store.Accept(context.Background(), p.Acceptance(site)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.Approve(context.Background(), w.held(t)[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := w.posts(t, w.list); n != 1 || len(w.held(t)) != 0 {
		t.Errorf("%d posts, %d held", n, len(w.held(t)))
	}
}

// SMTP has one answer: what one list takes and another refuses must not be lost behind a 250, nor bounced behind a 550.
func TestMixedRecipients(t *testing.T) {
	for _, lmtp := range []bool{false, true} {
		w := newWorld(t)
		strict := w.addList(t, "strict", "nonmember_action=reject")
		results := w.Deliver(context.Background(), intake.Envelope{Sender: "asha@example.org", LMTP: lmtp},
			[]string{"strict@lists.example.org", "heplink@lists.example.org"}, []byte(fromAsha))
		held := w.held(t)
		if w.posts(t, w.list) != 1 || w.posts(t, strict) != 0 {
			t.Errorf("LMTP %v: posts are wrong", lmtp)
		}
		if lmtp && (code(results[0]) != 550 || len(held) != 0) {
			t.Errorf("LMTP: %v, %d held", results, len(held))
		}
		if !lmtp && (intake.Combine(results) != nil || len(held) != 1 || held[0].List != strict.ID) {
			t.Errorf("SMTP: %v, held %+v", results, held)
		}
	}
}

func TestCombine(t *testing.T) {
	later, never := &store.Refusal{Code: 451}, &store.Refusal{Code: 550}
	for _, c := range []struct {
		results []error
		want    int
	}{
		{[]error{nil, nil}, 0}, {[]error{nil, later}, 451}, {[]error{never, later}, 451},
		{[]error{never, nil}, 0}, {[]error{never, &store.Refusal{Code: 554}}, 550},
	} {
		if got := code(intake.Combine(c.results)); got != c.want {
			t.Errorf("%v makes %d", c.results, got)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	w := newWorld(t, "nonmember_action=reject")
	err := w.send(fromGuest, "heplink@lists.example.org")[0]
	if code(err) != 550 || !strings.Contains(err.Error(), "join first") {
		t.Errorf("answer %v", err)
	}
	for _, to := range []string{"nobody@lists.example.org", "heplink-bounces+aaaa@lists.example.org", "asha@example.org"} {
		if err := w.Recipient(context.Background(), intake.Envelope{}, to); code(err) != 550 {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestStoreThatCannotWriteLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.store.Close()
	if err := w.send(fromAsha, "heplink@lists.example.org")[0]; code(err) != 451 {
		t.Errorf("answer %v", err)
	}
	if err := w.Recipient(context.Background(), intake.Envelope{}, "heplink@lists.example.org"); code(err) != 451 {
		t.Errorf("answer to RCPT %v", err)
	}
}

func TestUnsubscribeByMail(t *testing.T) {
	w := newWorld(t)
	to := w.addresses.Leave(w.list, w.asha.ID)
	for range 2 { // the second time she is gone already
		if r := w.send("From: asha@example.org\n\n\n", strings.ToUpper(to)); r[0] != nil {
			t.Fatal(r)
		}
	}
	if _, err := w.store.Member(w.list.ID, "asha@example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("she is still there: %v", err)
	}
	if strings.Count(w.log.String(), "msg=left") != 1 {
		t.Errorf("log: %s", &w.log)
	}
}

func TestMailToOwnersAndAdmins(t *testing.T) {
	w := newWorld(t)
	for to, want := range map[string]store.Address{"heplink-owner@lists.example.org": "meera@example.org", "owner-heplink@lists.example.org": "meera@example.org",
		"postmaster": "admin@example.org", "abuse@lists.example.org": "admin@example.org"} {
		w.log.Reset()
		if r := w.send(fromGuest, to); r[0] != nil {
			t.Fatal(to, r)
		}
		jobs, err := w.store.Jobs()
		if err != nil || len(jobs) == 0 {
			t.Fatal(to, err)
		}
		j := jobs[len(jobs)-1]
		if len(j.To) != 1 || j.To[0] != want || j.Sender != "" {
			t.Errorf("%s goes to %v from %q", to, j.To, j.Sender)
		}
	}
	looping := "Delivered-To: heplink-owner@lists.example.org\n" + fromGuest
	if err := w.send(looping, "heplink-owner@lists.example.org")[0]; code(err) != 554 {
		t.Errorf("a loop is answered %v", err)
	}
}

func TestAutomaticReplyVanishesWithALine(t *testing.T) {
	w := newWorld(t)
	if r := w.send("Auto-Submitted: auto-replied\n"+fromAsha, "heplink@lists.example.org"); r[0] != nil {
		t.Fatal(r)
	}
	if w.posts(t, w.list) != 0 || len(w.held(t)) != 0 || !strings.Contains(w.log.String(), "msg=discarded") {
		t.Errorf("log: %s", &w.log)
	}
}
