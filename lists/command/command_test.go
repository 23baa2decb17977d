package command_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// world is a site with the list heplink, its owner Meera and the member Asha.
type world struct {
	*testing.T
	*command.Clerk
	store *store.Store
	list  store.List
	now   time.Time
	seen  uint64 // the last mail that was looked at
	ids   int
}

func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	w := &world{T: t, store: storetest.NewStore(t), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	w.list = w.addList("heplink", settings...)
	w.addMember("meera@example.org", store.RoleOwner)
	w.addMember("asha@example.org", store.RoleMember)
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return w.now }
	addresses := lists.NewAddresses(w.store, []string{"lists.example.org"})
	office := notice.New(notice.Options{Store: w.store, Hostname: "mail.example.org", Server: "lists.example.org", Now: now, Log: log})
	roll := member.New(member.Options{Store: w.store, Addresses: addresses, Office: office, Now: now, Log: log})
	desk := moderate.New(moderate.Options{Store: w.store, Addresses: addresses, Office: office, Site: post.Site{Hostname: "mail.example.org"}, Now: now, Log: log})
	index := search.New(search.Options{Store: w.store, Folder: filepath.Join(t.TempDir(), "search"), DefaultDomain: "lists.example.org", Now: now, Log: log})
	t.Cleanup(func() { w.must(index.Close()) })
	w.Clerk = command.New(command.Options{Store: w.store, Addresses: addresses, Office: office, Members: roll, Desk: desk, Search: index,
		WebURL: "https://lists.example.org", Default: "lists.example.org", Now: now, Log: log})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) addList(name string, settings ...string) store.List {
	w.Helper()
	l := store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings()}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		w.must(l.Set(key, value))
	}
	l, err := w.store.CreateList(l)
	w.must(err)
	return l
}

func (w *world) addMember(address string, role store.Role) {
	w.Helper()
	m, err := w.store.NewMember(w.list.ID, address, w.now)
	w.must(err)
	m.Role = role
	w.must(w.store.AddMember(m))
}

func (w *world) isMember(address store.Address) bool {
	_, err := w.store.Member(w.list.ID, address)
	return err == nil
}

// mail is one that somebody got.
type mail struct {
	To, Text, Subject, Token string
	Raw                      []byte
}

var tokenOf = regexp.MustCompile(`-confirm\+([a-z2-7]+)@`)

// sent are the mails since it was called last, in order.
func (w *world) sent() (ms []mail) {
	w.Helper()
	jobs, err := w.store.Jobs()
	w.must(err)
	for _, j := range jobs {
		if j.ID <= w.seen {
			continue
		}
		w.seen = j.ID
		if j.Number != 0 { // a post
			continue
		}
		raw, err := w.store.JobRaw(j)
		w.must(err)
		h, body := archive.ParseHeader(raw), archive.Read(raw)
		m := mail{To: string(j.To[0]), Text: archive.Unflow(body.Text, false), Subject: h.Text("Subject"), Raw: raw}
		if found := tokenOf.FindStringSubmatch(h.Get("Reply-To")); found != nil {
			m.Token = found[1]
		}
		if h.Get("Auto-Submitted") == "" || j.Sender != "" {
			w.Errorf("a program could answer this:\n%s", raw)
		}
		ms = append(ms, m)
	}
	return ms
}

func (w *world) message(from, text string) []byte {
	w.ids++
	if !strings.Contains(text, "\n\n") {
		text = "\n" + text
	}
	return []byte(strings.ReplaceAll(fmt.Sprintf("From: %s\nMessage-ID: <%d@example.org>\n%s", from, w.ids, text), "\n", "\r\n"))
}

// take a mail to heplink-request, from the same address in the envelope unless m says otherwise.
func (w *world) take(from, text string, change ...func(*command.Mail)) []mail {
	w.Helper()
	_, address, found := strings.Cut(strings.TrimSuffix(from, ">"), "<")
	if !found {
		address = from
	}
	m := command.Mail{Sender: store.Address(address), Raw: w.message(from, text)}
	for _, c := range change {
		c(&m)
	}
	w.must(w.Take(context.Background(), lists.Route{Kind: lists.KindCommand, List: w.list}, m))
	return w.sent()
}

func (w *world) answer(l store.List, from, token, text string) []mail {
	w.Helper()
	w.must(w.Confirm(context.Background(), lists.Route{Kind: lists.KindConfirm, List: l, Token: token}, command.Mail{Sender: store.Address(from), Raw: w.message(from, text)}))
	return w.sent()
}

func forged(m *command.Mail)   { m.Sender = "mallory@evil.example" }
func verified(m *command.Mail) { m.Verified = true }

func TestWhoIsAskingIsNotTakenFromFrom(t *testing.T) {
	w := newWorld(t)
	ms := w.take("asha@example.org", "set nomail\nquery\nwho", forged)
	if len(ms) != 1 || ms[0].To != "asha@example.org" || ms[0].Token == "" || strings.Contains(ms[0].Text, "query") {
		t.Fatalf("only the request must go, to the address concerned: %+v", ms)
	}
	if ms := w.take("asha@example.org", "query\nhelp", forged); len(ms) != 0 {
		t.Errorf("a stranger causes %+v", ms)
	}
	if ms := w.take("asha@example.org", "query", func(m *command.Mail) { m.Sender = "prvs=1234ABCDEF=asha@example.org" }); len(ms) != 1 {
		t.Errorf("the tag of BATV is part of the address: %+v", ms)
	}
	if ms := w.take("asha@example.org", "set nomail", forged, verified); len(ms) != 1 || ms[0].Token != "" {
		t.Errorf("verified, and asked: %+v", ms)
	}
	if m, _ := w.store.Member(w.list.ID, "asha@example.org"); m.Delivery != store.DeliverNone {
		t.Errorf("delivery %s", m.Delivery)
	}
	if ms := w.take("asha@example.org, meera@example.org", "set digest", verified); len(ms) != 1 || ms[0].Token == "" {
		t.Errorf("one of two authors acts for the other: %+v", ms)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	other := w.addList("other")
	first := w.take("bob@example.net", "subscribe Bob B")[0].Token
	second := w.take("bob@example.net", "subscribe")[0].Token
	if len(second) < 20 || first == second {
		t.Fatalf("tokens %q, %q", first, second)
	}
	fails := func(what string, l store.List, token string) {
		t.Helper()
		ms := w.answer(l, "bob@example.net", token, "")
		if len(ms) != 1 || w.isMember("bob@example.net") {
			t.Errorf("%s: %+v", what, ms)
		}
	}
	fails("replaced", w.list, first)
	fails("of another list", other, second)
	fails("shortened", w.list, second[:20])
	fails("none", w.list, "a")
	w.now = w.now.Add(7 * 24 * time.Hour)
	fails("after 7 days", w.list, second)

	third := w.take("bob@example.net", "subscribe")[0].Token
	w.now = w.now.Add(7*24*time.Hour - time.Second)
	if _, err := w.store.Token(third, w.now); err != nil {
		t.Fatal(err)
	}
	var joined sync.WaitGroup
	for range 5 { // whoever sends it, and once
		joined.Go(func() {
			if _, err := w.Redeem(context.Background(), w.list, strings.ToUpper(third), "", nil); err != nil {
				t.Error(err)
			}
		})
	}
	joined.Wait()
	welcomes := 0
	for _, m := range w.sent() {
		if strings.HasPrefix(m.Subject, "Welcome") {
			welcomes++
		}
	}
	if welcomes != 1 || !w.isMember("bob@example.net") {
		t.Errorf("%d welcomes", welcomes)
	}
	w.must(w.store.RemoveMember(w.list.ID, "bob@example.net"))
	fails("used", w.list, third)
}

func TestAllChangesOfOneMailShareOneToken(t *testing.T) {
	w := newWorld(t)
	ms := w.take("asha@example.org", "set digest\nset ack\nset language hi")
	if len(ms) != 1 {
		t.Fatalf("%+v", ms)
	}
	w.answer(w.list, "somebody@elsewhere.example", ms[0].Token, "Subject: Re: Please confirm\n\nOK\n\nSent from my iPhone")
	if m, _ := w.store.Member(w.list.ID, "asha@example.org"); m.Delivery != store.DeliverDigest || !m.Ack || m.Language != "hi" {
		t.Errorf("%+v", m)
	}
}

func TestProgramsConfirmNothing(t *testing.T) {
	w := newWorld(t)
	for _, field := range []string{"Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated", "Precedence: bulk", "Precedence: junk", "Precedence: list",
		"Precedence: auto_reply", "X-Autoreply: yes", "X-Autorespond: x", "List-Id: <x.example.org>", "X-Loop: x", "Subject: Automatic reply: Please confirm",
		"Subject: Out of Office AutoReply: Please confirm", "Subject: Vacation: Re: Please confirm", "Subject: Abwesenheitsnotiz: x", "Subject: On leave",
		"Subject: [Auto-Reply] Please confirm", "Subject: I am away until Monday", "Content-Type: multipart/report; report-type=disposition-notification; boundary=x"} {
		token := w.take("bob@example.net", "join")[0].Token
		if ms := w.answer(w.list, "bob@example.net", token, field+"\n\nok"); len(ms) != 0 || w.isMember("bob@example.net") {
			t.Errorf("%s: %+v", field, ms)
		}
		if ms := w.take("bob@example.net", field+"\n\nhelp"); len(ms) != 0 {
			t.Errorf("%s is answered: %+v", field, ms)
		}
		w.now = w.now.Add(time.Hour)
	}
	token := w.take("bob@example.net", "join")[0].Token
	w.must(w.Confirm(context.Background(), lists.Route{List: w.list, Token: token}, command.Mail{Raw: w.message("bob@example.net", "ok")}))
	if w.isMember("bob@example.net") {
		t.Error("the null return path confirms")
	}
	for _, subject := range []string{"leave heplink", "Re: Please confirm", "help"} {
		if ms := w.take("asha@example.org", "Subject: "+subject+"\n\nhelp"); len(ms) == 0 {
			t.Errorf("%s is taken for a program's", subject)
		}
	}
}

func TestNothingIsToldAboutMembers(t *testing.T) {
	w := newWorld(t)
	texts := map[string]string{}
	for _, who := range []string{"asha", "nobody"} {
		for _, line := range []string{"subscribe %s@example.org", "unsubscribe %s@example.org"} {
			ms := w.take("mallory@evil.example", fmt.Sprintf(line, who))
			text := strings.ReplaceAll(ms[len(ms)-1].Text, who, "X")
			if before := texts[line]; before != "" && before != text {
				t.Errorf("%s: %q and %q", line, before, text)
			}
			texts[line] = text
		}
	}
	for _, line := range []string{"who", "held", "stats", "set nomail for asha@example.org", "index", "get 1", "search x"} {
		if ms := w.take("mallory@evil.example", line); len(ms) != 1 || strings.Contains(ms[0].Text, "asha@example.org is") || ms[0].Token != "" {
			t.Errorf("%s: %+v", line, ms)
		}
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	var requests []mail
	for range 10 {
		requests = append(requests, w.take("victim@example.net", "join", forged)...)
	}
	if len(requests) != 5 {
		t.Errorf("%d requests to one address within an hour", len(requests))
	}
	w.answer(w.list, "victim@example.net", requests[4].Token, "") // those beyond the limit did not replace it
	if !w.isMember("victim@example.net") {
		t.Error("the last request that was mailed is not good any more")
	}
	answers := 0
	for range 30 {
		answers += len(w.take("asha@example.org", "query"))
	}
	if answers != 20 {
		t.Errorf("%d answers to one address within an hour", answers)
	}
	asked := 0
	for i := range 100 {
		asked += len(w.take(fmt.Sprintf("victim%d@example.net", i), "join", forged, func(m *command.Mail) { m.Client = "192.0.2.1" }))
	}
	if asked != 60 {
		t.Errorf("one client causes %d requests", asked)
	}
	if ms := w.take("victim99@example.net", "join", func(m *command.Mail) { m.Client = "192.0.2.2" }); len(ms) != 1 {
		t.Errorf("another client is stopped: %+v", ms)
	}
	lost := 0
	for range 30 { // a program that does not say that it is one
		lost += len(w.take("robot@example.net", "Thank you for your mail."))
		w.now = w.now.Add(10 * time.Minute)
	}
	if lost != 10 {
		t.Errorf("%d answers to a robot", lost)
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		join     string
		verified bool
		asked    bool // a request for confirmation
		member   bool // after it
	}{
		{"confirm", false, true, true}, {"confirm", true, true, true}, {"open", false, true, true}, {"open", true, false, true},
		{"approve", false, true, false}, {"approve", true, true, false}, {"closed", false, false, false}, {"closed", true, false, false},
	} {
		w := newWorld(t, "join="+c.join)
		ms := w.take("Bob B <bob@example.net>", "join with digest", func(m *command.Mail) { m.Verified = c.verified })
		if asked := ms[0].Token != ""; asked != c.asked {
			t.Errorf("%+v: asked %v", c, asked)
		}
		if c.asked {
			ms = w.answer(w.list, "bob@example.net", ms[0].Token, "")
		}
		if w.isMember("bob@example.net") != c.member {
			t.Errorf("%+v: member %v", c, !c.member)
		}
		if c.join == "approve" {
			i := slices.IndexFunc(ms, func(m mail) bool { return m.To == "meera@example.org" })
			if i < 0 {
				t.Fatalf("the owner is not asked: %+v", ms)
			}
			w.answer(w.list, "meera@example.org", ms[i].Token, "approve")
			if !w.isMember("bob@example.net") {
				t.Error("approved, and no member")
			}
		}
		if m, err := w.store.Member(w.list.ID, "bob@example.net"); err == nil && (m.Delivery != store.DeliverDigest || m.Name != "Bob B") {
			t.Errorf("%+v: %+v", c, m)
		}
	}
}

func TestNamesCannotDoHarm(t *testing.T) {
	for from, want := range map[string]string{
		"=?utf-8?Q?Bob=0D=0ABcc=3A_x=40y.org?= <bob@example.net>":   "Bob Bcc: x@y.org",
		"\"Win at http://evil.example\" <bob@example.net>":          "",
		"=?utf-8?B?4KSF4KS24KS+?= <bob@example.net>":                "अशा",
		"\"" + strings.Repeat("long ", 50) + "\" <bob@example.net>": strings.TrimSpace(strings.Repeat("long ", 20)),
	} {
		w := newWorld(t)
		ms := w.take(from, "Subject: =?utf-8?Q?join=0D=0ABcc:_x@y.org?=\n\nsubscribe")
		w.answer(w.list, "bob@example.net", ms[0].Token, "")
		if m, err := w.store.Member(w.list.ID, "bob@example.net"); err != nil || m.Name != want {
			t.Errorf("%s: %q, %v", from, m.Name, err)
		}
		ms = append(ms, w.take("bob@example.net", "Subject: =?utf-8?Q?query=0D=0ABcc:_x@y.org?=\n\nsubscribe heplink a\rBcc: x@y.org\nfoo\x0bBcc: x\nset until \"2027\r\nBcc: x\"")...)
		for _, m := range append(ms, w.sent()...) {
			head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
			if archive.ParseHeader(m.Raw).Has("Bcc") || bytes.ContainsAny(bytes.ReplaceAll(head, []byte("\r\n"), nil), "\r\n\x00") {
				t.Errorf("%s makes\n%s", from, head)
			}
		}
	}
}

func TestOKFindsTheRequestThatIsQuoted(t *testing.T) {
	w := newWorld(t)
	token := w.take("bob@example.net", "join")[0].Token
	w.take("bob@example.net", "Subject: Re: Please confirm\n\nok\n\n> Or open this page:\n> https://lists.example.org/c/"+token+"\n")
	if !w.isMember("bob@example.net") {
		t.Error("a program that answers to From cannot confirm")
	}
	token = w.take("asha@example.org", "change asha@example.net")[0].Token
	if ms := w.take("asha@example.org", "ok "+token); len(ms) != 1 || strings.Contains(ms[0].Text, "not known") {
		t.Errorf("a token of the site is not known at a list: %+v", ms)
	}
}

func TestChangeNeedsBoth(t *testing.T) {
	w := newWorld(t)
	ms := w.take("asha@example.org", "change asha@example.net", forged)
	tokens := map[string]string{}
	for _, m := range ms {
		tokens[m.To] = m.Token
	}
	if len(ms) != 2 || tokens["asha@example.net"] == "" || tokens["asha@example.org"] == "" {
		t.Fatalf("%+v", ms)
	}
	w.answer(store.List{}, "asha@example.net", tokens["asha@example.net"], "")
	if !w.isMember("asha@example.org") {
		t.Fatal("the new address alone changed it")
	}
	w.answer(store.List{}, "asha@example.org", tokens["asha@example.org"], "")
	if w.isMember("asha@example.org") || !w.isMember("asha@example.net") {
		t.Error("not changed")
	}
	if ms := w.take("asha@example.org", "who\nget 1"); len(ms) != 1 || !strings.Contains(ms[0].Text, "Only members") {
		t.Errorf("the address that was given up has rights: %+v", ms)
	}
}

func TestExportAndForget(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetPassword("asha@example.org", []byte("hash"), w.now))
	w.must(w.store.ChangeFlags("asha@example.org", []store.FlagChange{{List: w.list.ID, Numbers: []uint64{1, 3}, Add: []string{`\Seen`}}}))
	p := post.New(w.list, "asha@example.org", w.message("asha@example.org", "Subject: Mine\n\ntext"), w.now)
	mine := p.Acceptance(post.Site{})
	mine.Trust = "asha@example.org"
	_, err := w.store.Accept(context.Background(), mine)
	w.must(err)
	w.sent()
	token := w.take("asha@example.org", "export me")[0].Token
	ms := w.answer(store.List{}, "asha@example.org", token, "")
	a := archive.Read(ms[0].Raw).Attachments
	if len(a) != 1 {
		t.Fatalf("%+v", ms)
	}
	zipped := a[0].Part.Decode(ms[0].Raw, 0)
	z, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	w.must(err)
	for name, want := range map[string]string{"account.json": `"password": true`, "memberships.json": `"list": "heplink@lists.example.org"`,
		"flags.json": `\\Seen`, "posts/heplink/1.eml": "Mine", "held.json": "[]"} {
		f, err := z.Open(name)
		w.must(err)
		b, err := io.ReadAll(f)
		w.must(err)
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: %s", name, b)
		}
	}
	pending := w.take("asha@example.org", "set digest")[0].Token
	token = w.take("asha@example.org", "forget me")[0].Token
	ms = w.answer(store.List{}, "asha@example.org", token, "")
	if len(ms) != 1 || !strings.Contains(ms[0].Text, "stay") {
		t.Errorf("nothing is said of what stays: %+v", ms)
	}
	_, account := w.store.Account("asha@example.org")
	_, request := w.store.Token(pending, w.now)
	trusted, _ := w.store.Trusted(w.list.ID, "asha@example.org")
	flags, _ := w.store.Flags("asha@example.org", w.list.ID)
	if w.isMember("asha@example.org") || !errors.Is(account, store.ErrNotFound) || !errors.Is(request, store.ErrNotFound) || trusted || len(flags) != 0 {
		t.Errorf("something is left: %v %v %v %v", account, request, trusted, flags)
	}
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	ms := w.take("asha@example.org", "help search\nhelp signoff")
	if text := ms[0].Text; !strings.Contains(text, "Search LIST words") || !strings.Contains(text, "UNSubscribe LIST") || strings.Contains(text, "REView") {
		t.Errorf("help of one command: %s", text)
	}
	all := func(from string) string { return w.take(from, "help")[0].Text }
	if text := all("asha@example.org"); strings.Contains(text, "BAN LIST") || strings.Contains(text, "APPROVE id") {
		t.Errorf("a member is told of commands of moderators: %s", text)
	}
	if text := all("meera@example.org"); !strings.Contains(text, "BAN LIST") || !strings.Contains(text, "APPROVE id") {
		t.Errorf("an owner is not told of commands of moderators: %s", text)
	}
}

func TestBoundsOfOneMail(t *testing.T) {
	w := newWorld(t)
	ms := w.take("asha@example.org", strings.Repeat("query\n", 40))
	if n := strings.Count(ms[0].Text, "> query"); n != 25 {
		t.Errorf("%d commands were done", n)
	}
	ms = w.take("asha@example.org", "foo\nbar\nquery\nsubscrieb heplink\nbar\nbaz\nquery")
	if n := strings.Count(ms[0].Text, "> query"); n != 1 || !strings.Contains(ms[0].Text, "SUBSCRIBE?") || !strings.Contains(ms[0].Text, "UNSubscribe LIST") {
		t.Errorf("%d: %s", n, ms[0].Text)
	}
}
