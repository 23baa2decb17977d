package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	archiveweb "wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/web"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

type pages struct {
	*testing.T
	store   *store.Store
	handler http.Handler
	cookies []*http.Cookie
}

func newPages(t *testing.T) *pages {
	p := &pages{T: t, store: storetest.NewStore(t)}
	log := slog.New(slog.DiscardHandler)
	addresses := lists.NewAddresses(p.store, []string{"lists.example.org"})
	office := notice.New(notice.Options{Store: p.store, Hostname: "lists.example.org", Server: "lists.example.org", Now: time.Now, Log: log})
	roll := member.New(member.Options{Store: p.store, Addresses: addresses, Office: office, Now: time.Now, Log: log})
	clerk := command.New(command.Options{Store: p.store, Addresses: addresses, Office: office, Members: roll, WebURL: "https://lists.example.org",
		Default: "lists.example.org", Now: time.Now, Log: log})
	site := archiveweb.New(archiveweb.Options{Store: p.store, URL: "https://lists.example.org", DefaultDomain: "lists.example.org", Name: "test", Log: log})
	web.Register(site, web.Options{Store: p.store, Addresses: addresses, Members: roll, Clerk: clerk})
	p.handler = site.Handler()
	return p
}

func (p *pages) list(name string, settings ...string) store.List {
	p.Helper()
	l := store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings()}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := l.Set(key, value); err != nil {
			p.Fatal(err)
		}
	}
	l, err := p.store.CreateList(l)
	if err != nil {
		p.Fatal(err)
	}
	return l
}

// do asks for a page, with the cookies of those before.
func (p *pages) do(method, path, origin string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://lists.example.org"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	for _, c := range p.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	p.cookies = append(p.cookies, w.Result().Cookies()...)
	return w
}

// mailed is the text of the newest mail, and how many there are.
func (p *pages) mailed() (text string, n int) {
	p.Helper()
	jobs, err := p.store.Jobs()
	if err != nil {
		p.Fatal(err)
	}
	if len(jobs) == 0 {
		return "", 0
	}
	raw, err := p.store.JobRaw(jobs[len(jobs)-1])
	if err != nil {
		p.Fatal(err)
	}
	return archive.Read(raw).Text, len(jobs)
}

var (
	formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)
	linkToken = regexp.MustCompile(`/c/[a-z2-7]+`)
)

const here, elsewhere = "https://lists.example.org", "https://evil.example"

func TestJoinAndLeaveByForm(t *testing.T) {
	p := newPages(t)
	l := p.list("heplink")
	form := func(path string) url.Values {
		page := p.do("GET", path, "", nil)
		m := formToken.FindStringSubmatch(page.Body.String())
		if page.Code != http.StatusOK || m == nil || !strings.Contains(page.Body.String(), `name="address"`) {
			t.Fatalf("%s: %d %s", path, page.Code, page.Body)
		}
		return url.Values{"token": {m[1]}, "address": {"Bob@example.net"}}
	}
	isMember := func() bool { _, err := p.store.Member(l.ID, "bob@example.net"); return err == nil }
	joining := form("/heplink/join")
	if w := p.do("POST", "/heplink/join", elsewhere, joining); w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := p.do("POST", "/heplink/join", here, url.Values{"address": joining["address"]}); w.Code != http.StatusForbidden {
		t.Errorf("without token: %d", w.Code)
	}
	if w := p.do("POST", "/heplink/join", here, url.Values{"address": {"nonsense"}, "token": joining["token"]}); w.Code != http.StatusBadRequest {
		t.Errorf("no address: %d", w.Code)
	}
	asked := p.do("POST", "/heplink/join", here, joining)
	text, n := p.mailed()
	if asked.Code != http.StatusOK || n != 1 || isMember() {
		t.Fatalf("%d, %d mails, member %v", asked.Code, n, isMember())
	}
	link := linkToken.FindString(text)
	for _, method := range []string{"GET", "HEAD"} {
		if w := p.do(method, link, "", nil); w.Code != http.StatusOK || isMember() {
			t.Errorf("%s: %d, member %v", method, w.Code, isMember())
		}
	}
	if w := p.do("POST", link, elsewhere, nil); w.Code != http.StatusForbidden || isMember() {
		t.Errorf("POST from another site: %d", w.Code)
	}
	if w := p.do("POST", strings.ToUpper(link[3:]), here, nil); w.Code == http.StatusOK {
		t.Errorf("POST elsewhere: %d", w.Code)
	}
	if w := p.do("POST", link, here, nil); w.Code != http.StatusOK || !isMember() {
		t.Errorf("POST: %d, member %v", w.Code, isMember())
	}
	for _, path := range []string{link, "/c/aaaaaaaaaaaaaaaaaaaaaaaa", "/c/x"} {
		for _, method := range []string{"GET", "POST"} {
			if w := p.do(method, path, here, nil); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	// The page tells nothing about who is a member.
	again := p.do("POST", "/heplink/join", here, joining)
	leaving := form("/heplink/leave")
	bob := p.do("POST", "/heplink/leave", here, leaving)
	leaving.Set("address", "eve@example.net")
	eve := p.do("POST", "/heplink/leave", here, leaving)
	if again.Body.String() != asked.Body.String() || strings.ReplaceAll(eve.Body.String(), "eve@", "bob@") != bob.Body.String() {
		t.Error("the page tells who is a member")
	}
	if !isMember() {
		t.Error("left without confirmation")
	}
}

func TestHiddenListsAreJoinedByName(t *testing.T) {
	p := newPages(t)
	p.list("quiet", "advertised=false")
	p.list("secret", "advertised=false", "join=closed")
	for path, want := range map[string]int{"/quiet/join": 200, "/quiet/leave": 200, "/secret/join": 404, "/nothing/join": 404, "/nothing/leave": 404} {
		if w := p.do("GET", path, "", nil); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
