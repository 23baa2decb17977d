package imapd_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/imapd"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// open takes the password "secret" of every account.
type open struct{}

func (open) Check(_ context.Context, _ netip.Addr, address, password string) (store.Account, error) {
	if password != "secret" {
		return store.Account{}, errors.New("wrong password")
	}
	return store.Account{Address: store.Address(address)}, nil
}

type desk struct{ approved, rejected []uint64 }

func (d *desk) Approve(_ context.Context, id uint64) (store.Post, error) {
	d.approved = append(d.approved, id)
	return store.Post{}, nil
}

func (d *desk) Reject(_ context.Context, id uint64, _ string) error {
	d.rejected = append(d.rejected, id)
	return nil
}

// panics fails the test that made the server panic.
type panics struct{ testing.TB }

func (p panics) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "panic") {
		p.Errorf("%s", b)
	}
	return len(b), nil
}

type site struct {
	testing.TB
	store  *store.Store
	engine *watched
	desk   *desk
	server *imapd.Server
	addr   string
}

// watched counts the transactions that read now.
type watched struct {
	store.Engine
	readers atomic.Int64
}

func (w *watched) View(fn func(store.Tx) error) error {
	w.readers.Add(1)
	defer w.readers.Add(-1)
	return w.Engine.View(fn)
}

func watchedStore(t testing.TB) (*store.Store, *watched) {
	t.Helper()
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "sangam.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Engine: engine}
	st, err := store.Open(w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st, w
}

// newSite serves an empty store on loopback. change is a func(*imapd.Options) or a func(net.Listener) net.Listener.
func newSite(t testing.TB, change ...any) *site {
	t.Helper()
	s := &site{TB: t, desk: &desk{}}
	s.store, s.engine = watchedStore(t)
	s.serve(change...)
	return s
}

// serve gives the site a server.
func (s *site) serve(change ...any) {
	t := s.TB
	t.Helper()
	o := imapd.Options{Store: s.store, Login: open{}, Moderator: s.desk, DefaultDomain: "lists.example.org",
		MaxPerAccount: 5, Log: slog.New(slog.NewTextHandler(panics{t}, nil))}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	for _, c := range change {
		switch c := c.(type) {
		case func(*imapd.Options):
			c(&o)
		case func(net.Listener) net.Listener:
			l = c(l)
		}
	}
	server := imapd.New(o)
	s.server = server
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-done); err != nil {
			t.Error(err)
		}
	})
}

func (s *site) list(name string, change func(*store.List)) store.List {
	s.Helper()
	l := store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings(), Created: now}
	if change != nil {
		change(&l)
	}
	l, err := s.store.CreateList(l)
	if err != nil {
		s.Fatal(err)
	}
	return l
}

func (s *site) join(l store.List, a string, role store.Role) {
	s.Helper()
	m, err := s.store.NewMember(l.ID, a, now)
	m.Role = role
	if err == nil {
		err = s.store.AddMember(m)
	}
	if err != nil {
		s.Fatal(err)
	}
}

const plain = "From: Asha Rao <asha@example.org>\r\nTo: heplink@lists.example.org\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0530\r\n\r\nDear all,\r\nthe ampoules arrived: café.\r\n"

func (s *site) post(l store.List, raw string) store.Post {
	s.Helper()
	p, err := s.store.Accept(context.Background(), store.Acceptance{List: l.ID, Content: sha256.Sum256([]byte(raw)), Build: func(uint64) ([]byte, store.Post, error) {
		p := archive.Describe([]byte(raw), now).Post
		p.Received = now
		return []byte(raw), p, nil
	}})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// client speaks IMAP by hand.
type client struct {
	testing.TB
	site *site
	c    net.Conn
	r    *bufio.Reader
	n    int
}

func (s *site) dial() *client {
	s.Helper()
	c := s.connect()
	c.line()
	return c
}

// connect leaves the greeting to be read.
func (s *site) connect() *client {
	s.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	x := &client{TB: s.TB, site: s, c: c, r: bufio.NewReader(c)}
	x.c.SetDeadline(time.Now().Add(10 * time.Second))
	return x
}

func (s *site) login(a string) *client {
	s.Helper()
	c := s.dial()
	c.do("LOGIN %s secret", a).ok()
	return c
}

func (c *client) line() string {
	c.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return line
}

// answer is all that came until the tagged response.
type answer struct {
	*client
	text string
}

func (c *client) do(format string, args ...any) answer {
	c.Helper()
	c.n++
	tag := fmt.Sprintf("t%d", c.n)
	fmt.Fprintf(c.c, tag+" "+format+"\r\n", args...)
	var text strings.Builder
	for {
		line := c.line()
		text.WriteString(line)
		if strings.HasPrefix(line, tag+" ") {
			return answer{c, text.String()}
		}
	}
}

func (a answer) status(want string) answer {
	a.Helper()
	lines := strings.Split(strings.TrimSpace(a.text), "\r\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, " "+want) {
		a.Errorf("answer is %q, want %s", a.text, want)
	}
	return a
}

func (a answer) ok() answer { a.Helper(); return a.status("OK") }
func (a answer) no() answer { a.Helper(); return a.status("NO") }

func (a answer) has(wants ...string) answer {
	a.Helper()
	for _, w := range wants {
		if !strings.Contains(a.text, w) {
			a.Errorf("answer lacks %q:\n%s", w, a.text)
		}
	}
	return a
}

func (a answer) lacks(wants ...string) answer {
	a.Helper()
	for _, w := range wants {
		if strings.Contains(a.text, w) {
			a.Errorf("answer has %q:\n%s", w, a.text)
		}
	}
	return a
}

func TestReadAList(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	raw := fmt.Sprintf(plain, "first", "a1")
	s.post(l, raw)
	s.post(l, fmt.Sprintf(plain, "second", "a2"))
	c := s.login("asha@example.org")
	c.do(`LIST "" "*"`).ok().has(`"/" INBOX`, `"/" "heplink"`).lacks("Held")
	c.do("SELECT heplink").ok().has("* 2 EXISTS", fmt.Sprintf("UIDVALIDITY %d", l.UIDValidity), "UIDNEXT 3", `\*`)
	c.do("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)").ok().has("UID 1", `INTERNALDATE "24-Nov-2026 09:00:00 +0000"`,
		fmt.Sprintf("RFC822.SIZE %d", len(raw)), `"first"`, `("Asha Rao" NIL "asha" "example.org")`, "<a1@example.org>")
	c.do("UID FETCH 1:* BODY.PEEK[]").ok().has(fmt.Sprintf("BODY[] {%d}\r\n%s", len(raw), raw)).lacks("FLAGS")
	c.do("FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]").ok().has("Subject: first\r\n\r\n")
	c.do("FETCH 1 BODY.PEEK[TEXT]<5.4>").ok().has("{4}\r\nall,")
	c.do("FETCH 1 BODY.PEEK[]<1.9223372036854775807>").ok()
	c.do("FETCH 1 BODY.PEEK[]<9223372036854775807.1>").ok().has("{0}")
	c.do("FETCH 1 BODY.PEEK[7]").ok().has("{0}")
	c.do("FETCH 1 (BODYSTRUCTURE BINARY.PEEK[1] BINARY.SIZE[1])").ok().has(`"text" "plain"`)
}

func TestFlagsAreTheAccountsOwn(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	s.join(l, "ben@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(plain, "first", "a1"))
	a := s.login("asha@example.org")
	a.do("SELECT heplink").ok().has("[UNSEEN 1]")
	a.do("FETCH 1 BODY[TEXT]").ok().has(`FLAGS (\Seen)`)
	a.do(`STORE 1 +FLAGS (\Flagged Work)`).ok().has(`FLAGS (Work \Flagged \Seen)`)
	a.do(`STORE 1 +FLAGS (\Deleted)`).no()
	a.do("EXPUNGE").no().lacks("1 EXPUNGE")
	a.do("CLOSE").ok()
	a.do("EXAMINE heplink").ok().has("READ-ONLY", "Work")
	a.do(`STORE 1 -FLAGS (\Seen)`).no()
	a.do("FETCH 1 BODY[TEXT]").ok()
	a.do("CLOSE").ok()
	a.do("SELECT INBOX").ok().has("* 1 EXISTS")
	a.do("FETCH 1 FLAGS").ok().has(`FLAGS (Work \Flagged \Seen)`)
	a.do(`STORE 1 -FLAGS (Work)`).ok()
	b := s.login("ben@example.org")
	b.do("STATUS heplink (MESSAGES UNSEEN UIDNEXT SIZE)").ok().has("MESSAGES 1", "UNSEEN 1")
	a.do("STATUS heplink (UNSEEN)").ok().has("UNSEEN 0")
}

func TestSearch(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(plain, "first", "a1"))
	s.post(l, strings.Replace(fmt.Sprintf(plain, "ওষুধ", "a2"), "ampoules", "मरीज़ों", 1))
	c := s.login("asha@example.org")
	c.do("SELECT heplink").ok()
	for query, want := range map[string]string{
		"ALL":                       "1 2",
		"SUBJECT fir":               "1",
		"BODY ampou":                "1",
		"BODY poules":               "",
		"TEXT CAFE":                 "1 2",
		`TEXT "all the"`:            "1 2",
		"CHARSET UTF-8 BODY {15+}":  "-",
		"NOT SUBJECT first":         "2",
		"OR UID 1 UID 2":            "1 2",
		"SINCE 24-Nov-2026":         "1 2",
		"SENTBEFORE 23-Nov-2026":    "",
		"HEADER Message-ID a2@":     "2",
		"UNSEEN LARGER 10":          "1 2",
		"UID 2:4294967295":          "2",
		"1:* NOT 1":                 "2",
		`FROM "asha rao" SMALLER 1`: "",
	} {
		if want == "-" {
			continue
		}
		got := c.do("SEARCH %s", query).ok()
		if line, _, _ := strings.Cut(got.text, "\r\n"); strings.TrimSpace(strings.TrimPrefix(line, "* SEARCH")) != want {
			t.Errorf("SEARCH %s: %s, want %s", query, line, want)
		}
	}
	c.do("UID SEARCH RETURN (MIN MAX COUNT) ALL").ok().has("MIN 1 MAX 2 COUNT 2")
	c.do("SEARCH RETURN (SAVE) SUBJECT first").ok()
	c.do("FETCH $ (UID)").ok().has("* 1 FETCH").lacks("* 2 FETCH")
}

func TestIdleTellsWhatCame(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	c := s.login("asha@example.org")
	c.do("SELECT heplink").ok().has("* 0 EXISTS")
	s.post(l, fmt.Sprintf(plain, "before", "b1")) // not announced yet
	s.post(l, fmt.Sprintf(plain, "before", "b2"))
	fmt.Fprintf(c.c, "i IDLE\r\n")
	for _, want := range []string{"+ ", "* 2 EXISTS"} {
		if line := c.line(); !strings.HasPrefix(line, want) {
			t.Fatalf("IDLE says %q, want %s", line, want)
		}
	}
	s.post(l, fmt.Sprintf(plain, "while", "b3"))
	if line := c.line(); !strings.HasPrefix(line, "* 3 EXISTS") {
		t.Fatalf("IDLE says %q", line)
	}
	s.store.RemovePost(l.ID, 2)
	if line := c.line(); !strings.HasPrefix(line, "* 2 EXPUNGE") {
		t.Fatalf("IDLE says %q", line)
	}
	fmt.Fprintf(c.c, "DONE\r\n")
	if line := c.line(); !strings.HasPrefix(line, "i OK") {
		t.Fatalf("IDLE ends with %q", line)
	}
	c.do("UID FETCH 1:* (UID)").ok().has("* 1 FETCH (UID 1)", "* 2 FETCH (UID 3)")
}

func TestOtherSessionsFlagsAreTold(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(plain, "first", "a1"))
	one, two := s.login("asha@example.org"), s.login("asha@example.org")
	one.do("SELECT heplink").ok()
	two.do("SELECT INBOX").ok()
	one.do(`STORE 1 +FLAGS (\Answered)`).ok()
	two.do("NOOP").ok().has(`* 1 FETCH (UID 1 FLAGS (\Answered))`)
}

func TestWhoMayReadWhat(t *testing.T) {
	s := newSite(t)
	s.list("open", func(l *store.List) { l.Archive = "public" })
	closed := s.list("closed", nil)
	s.join(closed, "asha@example.org", store.RoleMember)
	s.post(closed, fmt.Sprintf(plain, "first", "a1"))
	for _, name := range []string{"anonymous", "stranger@example.org"} {
		c := s.login(name)
		c.do(`LIST "" *`).ok().has("open").lacks("closed")
		forbidden, unknown := c.do("SELECT closed").no(), c.do("SELECT nothing").no()
		if f, u := forbidden.text[3:], unknown.text[3:]; f != u {
			t.Errorf("%s hears %q of a private list and %q of none", name, f, u)
		}
		c.do("SELECT open").ok()
	}
	s.dial().do("LOGIN asha@example.org wrong").no()
	c := s.dial()
	c.do("AUTHENTICATE ANONYMOUS YQ==").ok()
	c.do("SELECT INBOX").no()
	c = s.login("asha@example.org")
	for _, command := range []string{"CREATE x", "DELETE closed", "RENAME closed x", "APPEND closed {3}", "SELECT x/Held", "SELECT closed/Held"} {
		if strings.HasPrefix(command, "APPEND") {
			continue
		}
		c.do("%s", command).no()
	}
	c.do("SELECT closed").ok()
	c.do("COPY 1 closed").no()
	c.do("MOVE 1 closed").no()
}

func TestModeratorMovesHeldPosts(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleOwner)
	for i := range 3 {
		raw := fmt.Sprintf(plain, "held", fmt.Sprint("h", i))
		s.store.Hold(context.Background(), store.Held{List: l.ID, MessageID: fmt.Sprint(i), Received: now}, []byte(raw))
	}
	c := s.login("asha@example.org")
	c.do(`LIST "" "heplink/%%"`).ok().has("heplink/Held", "heplink/Rejected")
	c.do("SELECT heplink/Held").ok().has("* 3 EXISTS")
	c.do("FETCH 1 (ENVELOPE BODY.PEEK[])").ok().has(`"held"`)
	c.do("UID MOVE 2 heplink").ok().has("* 2 EXPUNGE")
	c.do("MOVE 1:2 heplink/Rejected").ok()
	if fmt.Sprint(s.desk.approved, s.desk.rejected) != "[2] [1 3]" {
		t.Errorf("approved %v, rejected %v", s.desk.approved, s.desk.rejected)
	}
}

func TestLimits(t *testing.T) {
	s := newSite(t)
	for range 5 {
		s.login("asha@example.org")
	}
	s.dial().do("LOGIN asha@example.org secret").no().has("Too many connections")
}

func TestSubscriptions(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", nil)
	s.list("open", func(l *store.List) { l.Archive = "public" })
	s.join(l, "asha@example.org", store.RoleMember)
	c := s.login("asha@example.org")
	c.do(`LSUB "" "*"`).ok().has("heplink", "INBOX").lacks("open")
	c.do("SUBSCRIBE open").ok()
	c.do("UNSUBSCRIBE heplink").ok()
	c.do(`LIST (SUBSCRIBED) "" "*"`).ok().has("open", "INBOX").lacks("heplink")
	c.do(`LIST "" "*" RETURN (SUBSCRIBED STATUS (MESSAGES))`).ok().has(`STATUS "open" (MESSAGES 0)`)
}
