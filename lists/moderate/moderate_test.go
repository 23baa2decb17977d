package moderate_test

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
	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// world is a list with two moderators, Asha who wants receipts, and a clock.
type world struct {
	*moderate.Desk
	t     *testing.T
	store *store.Store
	crash *storetest.Crash
	list  store.List
	now   time.Time
	seen  int
}

func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	w.store, w.crash = storetest.NewCrashing(t)
	l := store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		w.must(l.Set(key, value))
	}
	var err error
	w.list, err = w.store.CreateList(l)
	w.must(err)
	for a, role := range map[string]store.Role{"meera@example.org": store.RoleOwner, "ravi@example.org": store.RoleModerator, "asha@example.org": store.RoleMember} {
		m, err := w.store.NewMember(w.list.ID, a, w.now)
		w.must(err)
		m.Role, m.Ack = role, role == store.RoleMember
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
	w.Desk = moderate.New(moderate.Options{Store: w.store, Addresses: lists.NewAddresses(w.store, []string{"lists.example.org"}), Office: office,
		Site: post.Site{Hostname: "mail.example.org", DefaultDomain: "lists.example.org"}, Admins: []store.Address{"admin@example.org"}, Now: clock, Log: log})
}

// crashing does something, dies after some commits, and starts again.
func (w *world) crashing(commits int, do func() error) {
	w.t.Helper()
	w.crash.After(commits)
	if err := do(); err != nil && !errors.Is(err, storetest.ErrCrash) {
		w.t.Fatal(err)
	}
	w.crash.After(-1)
	w.restart()
}

// hold a post of an author that another address sent.
func (w *world) hold(from, sender, fields, body string) store.Held {
	w.t.Helper()
	w.seen++
	raw := fmt.Sprintf("From: %s\nTo: heplink@lists.example.org\nMessage-ID: <%d@example.net>\n%s\n%s\n", from, w.seen, fields, body)
	p := post.New(w.list, store.Address(sender), []byte(raw), w.now)
	w.must(p.LookUp(w.store))
	h, err := w.Hold(context.Background(), p, []string{"not from a member", "1200000 bytes, more than the 1MB allowed"}, []string{"nonmember", "size 1MB"})
	w.must(err)
	return h
}

// letter is a mail that waits in the outbox.
type letter struct {
	to      string
	subject string
	text    string
	raw     []byte
}

// letters that were written since the last call, in the order of their recipients.
func (w *world) letters() (ls []letter) {
	w.t.Helper()
	jobs, err := w.store.Jobs()
	w.must(err)
	for _, j := range jobs {
		if j.Number != 0 {
			continue
		}
		raw, err := w.store.JobRaw(j)
		w.must(err)
		var to []string
		for _, a := range j.To {
			to = append(to, string(a))
		}
		ls = append(ls, letter{strings.Join(to, " "), archive.ParseHeader(raw).Text("Subject"), strings.Join(strings.Fields(archive.Read(raw).Text), " "), raw})
		w.must(w.store.DropJob(j.ID))
	}
	slices.SortFunc(ls, func(a, b letter) int { return strings.Compare(a.to, b.to) })
	return ls
}

func (w *world) want(ls []letter, wants ...string) {
	w.t.Helper()
	var got []string
	for _, l := range ls {
		got = append(got, l.to+": "+l.subject)
	}
	if !slices.Equal(got, wants) {
		w.t.Fatalf("letters %q, want %q", got, wants)
	}
}

const (
	toStaff  = "meera@example.org ravi@example.org: "
	toAuthor = "guest@example.net: "
)

func TestHeldPostIsToldToModeratorsAndAuthor(t *testing.T) {
	w := newWorld(t)
	h := w.hold("Guest <guest@example.net>", "guest@example.net", "Subject: Question\n", "May I ask?")
	ls := w.letters()
	w.want(ls, toAuthor+"Your post waits: Question", toStaff+"Held: Question")
	for _, want := range []string{"it is not from a member", "it is larger than 1MB"} {
		for _, l := range ls {
			if !strings.Contains(l.text, want) {
				t.Errorf("%q is not told to %s:\n%s", want, l.to, l.text)
			}
		}
	}
	if !strings.Contains(string(ls[1].raw), "\r\nMay I ask?\r\n") {
		t.Errorf("the post is not attached:\n%s", ls[1].raw)
	}
	if h.ID == 0 || len(h.Reasons) != 2 {
		t.Errorf("held %+v", h)
	}
}

// Nobody hears of mail that a program wrote, or that the author may not have sent: neither when it is held, nor when it is refused or dropped.
func TestNoNoticeToWhoMayNotHaveWritten(t *testing.T) {
	for name, c := range map[string]struct {
		sender, fields string
		verified, tell bool
	}{
		"sent by the author":         {"guest@example.net", "", false, true},
		"with the tag of a server":   {"prvs=0123abcdef=guest@example.net", "", false, true},
		"sent by another":            {"evil@example.com", "", false, false},
		"sent by another with DMARC": {"bounce@mailer.example", "", true, true},
		"without a sender":           {"", "", false, false},
		"of a program":               {"guest@example.net", "Auto-Submitted: auto-generated\n", false, false},
		"of another list":            {"guest@example.net", "List-Id: <other.example.net>\n", false, false},
		"bulk":                       {"guest@example.net", "Precedence: bulk\n", true, false},
	} {
		for _, end := range []string{"rejected", "expired"} {
			w := newWorld(t)
			raw := "From: guest@example.net\nMessage-ID: <1@example.net>\nSubject: x\n" + c.fields + "\nhello\n"
			p := post.New(w.list, store.Address(c.sender), []byte(raw), w.now)
			p.Auth.Verified = c.verified
			h, err := w.Hold(context.Background(), p, []string{"not from a member"}, []string{"nonmember"})
			w.must(err)
			if end == "rejected" {
				w.must(w.Reject(context.Background(), h.ID, "no"))
			} else {
				w.now = w.now.Add(14 * 24 * time.Hour)
				w.must(w.Remind(context.Background()))
			}
			told := 0
			for _, l := range w.letters() {
				if l.to == "guest@example.net" {
					told++
				}
			}
			if want := map[bool]int{true: 2}[c.tell]; told != want {
				t.Errorf("%s, %s: %d mails to the author, want %d", name, end, told, want)
			}
		}
	}
}

func TestDecisions(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		decide func(w *world, id uint64) error
		posts  uint64
		told   []string
	}{
		"approve": {func(w *world, id uint64) error { _, err := w.Approve(ctx, id); return err }, 1, nil},
		"trust":   {func(w *world, id uint64) error { _, err := w.Trust(ctx, id); return err }, 1, nil},
		"reject":  {func(w *world, id uint64) error { return w.Reject(ctx, id, "Ask the clinic.") }, 0, []string{toAuthor + "Your post was not sent: Question"}},
		"discard": {func(w *world, id uint64) error { return w.Discard(ctx, id) }, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.hold("guest@example.net", "guest@example.net", "Subject: Question\n", "May I ask?")
			w.letters()
			w.must(c.decide(w, h.ID))
			ls := w.letters()
			w.want(ls, c.told...)
			if name == "reject" && !strings.Contains(ls[0].text, "Ask the clinic.") {
				t.Errorf("no reason:\n%s", ls[0].text)
			}
			for other, again := range map[string]func(w *world, id uint64) error{
				"approve": func(w *world, id uint64) error { _, err := w.Approve(ctx, id); return err },
				"trust":   func(w *world, id uint64) error { _, err := w.Trust(ctx, id); return err },
				"reject":  func(w *world, id uint64) error { return w.Reject(ctx, id, "") },
				"discard": func(w *world, id uint64) error { return w.Discard(ctx, id) },
			} {
				if err := again(w, h.ID); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("a second moderator could %s: %v", other, err)
				}
			}
			w.want(w.letters())
			log, err := w.store.Log(w.list.ID)
			if err != nil || log.Count != c.posts {
				t.Errorf("%d posts, %v", log.Count, err)
			}
			if yes, _ := w.store.Trusted(w.list.ID, "guest@example.net"); yes != (name == "trust") {
				t.Errorf("trusted: %v", yes)
			}
		})
	}
}

func TestMemberGetsReceiptOfApprovedPost(t *testing.T) {
	w := newWorld(t)
	h := w.hold("asha@example.org", "asha@example.org", "Subject: Stock\n", "The ampoules arrived.")
	w.letters()
	p, err := w.Approve(context.Background(), h.ID)
	w.must(err)
	ls := w.letters()
	w.want(ls, "asha@example.org: Your post was sent: Stock")
	if p.Number != 1 || !strings.Contains(ls[0].text, "number 1 ") {
		t.Errorf("post %d:\n%s", p.Number, ls[0].text)
	}
}

func TestReminderOnceADayThenExpiry(t *testing.T) {
	w := newWorld(t)
	w.hold("guest@example.net", "guest@example.net", "Subject: Question\n", "May I ask?")
	w.want(w.letters(), toAuthor+"Your post waits: Question", toStaff+"Held: Question")
	var days []int
	for hour := range 24 * 16 {
		w.now = w.now.Add(time.Hour)
		w.restart()
		w.must(w.Remind(context.Background()))
		switch ls := w.letters(); {
		case len(ls) == 0:
		case hour == 24*14-1:
			w.want(ls, toAuthor+"Your post was not sent: Question")
		default:
			w.want(ls, toStaff+"Posts that wait on heplink: 1")
			days = append(days, (hour+1)/24)
		}
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}; !slices.Equal(days, want) {
		t.Errorf("reminders on days %v, want %v", days, want)
	}
}

func TestLongQueueIsRemindedInOneMail(t *testing.T) {
	w := newWorld(t)
	for range 120 {
		w.hold("guest@example.net", "evil@example.com", "Subject: Spam\n", "Buy.")
	}
	w.letters()
	w.now = w.now.Add(25 * time.Hour)
	w.must(w.Remind(context.Background()))
	ls := w.letters()
	w.want(ls, toStaff+"Posts that wait on heplink: 120")
	if n := strings.Count(ls[0].text, "Spam"); n != 50 {
		t.Errorf("%d posts are shown", n)
	}
}

// A process that dies between any two commits leaves nothing undone and does nothing twice: the client sends again, the clock goes on.
func TestCrashNeitherLosesNorRepeats(t *testing.T) {
	raw := []byte("From: guest@example.net\nMessage-ID: <1@example.net>\nSubject: Question\n\nMay I ask?\n")
	ctx := context.Background()
	for commits := range 12 {
		w := newWorld(t)
		arrive := func() error {
			p := post.New(w.list, "guest@example.net", raw, w.now)
			if err := p.LookUp(w.store); err != nil || p.Seen != nil {
				return err
			}
			_, err := w.Hold(ctx, p, []string{"not from a member"}, []string{"nonmember"})
			return err
		}
		w.crashing(commits, arrive)
		w.must(arrive())
		w.want(w.letters(), toAuthor+"Your post waits: Question", toStaff+"Held: Question")
		for _, wait := range []time.Duration{25 * time.Hour, 15 * 24 * time.Hour} {
			w.now = w.now.Add(wait)
			w.crashing(commits, func() error { return w.Remind(ctx) })
			w.must(w.Remind(ctx))
		}
		w.want(w.letters(), toAuthor+"Your post was not sent: Question", toStaff+"Posts that wait on heplink: 1")
	}
}

func TestLargePostGoesToModeratorsAsExcerpt(t *testing.T) {
	w := newWorld(t)
	big := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe poster is attached.\n--b\nContent-Type: image/png; name=poster.png\n" +
		"Content-Disposition: attachment; filename=poster.png\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\n", 30_000) + "--b--\n"
	w.hold("asha@example.org", "asha@example.org", "Subject: =?utf-8?q?Pl=C3=A1n?=\n"+strings.TrimSuffix(big[:strings.Index(big, "\n\n")+1], "\n"), big[strings.Index(big, "\n\n")+1:])
	ls := w.letters()
	w.want(ls, "asha@example.org: Your post waits: Plán", toStaff+"Held: Plán")
	if n := len(ls[1].raw); n > 100_000 {
		t.Errorf("the notice has %d bytes", n)
	}
	attached := string(ls[1].raw)
	for _, want := range []string{"The poster is attached.", "poster.png", "Subject: =?utf-8?q?Pl=C3=A1n?="} {
		if !strings.Contains(attached, want) {
			t.Errorf("%q is not in:\n%s", want, attached)
		}
	}
}

func TestListWithoutModeratorsIsTheAdmins(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.RemoveMember(w.list.ID, "meera@example.org"))
	w.must(w.store.RemoveMember(w.list.ID, "ravi@example.org"))
	w.hold("guest@example.net", "evil@example.com", "Subject: Question\n", "May I ask?")
	w.want(w.letters(), "admin@example.org: Held: Question")
}
