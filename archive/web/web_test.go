package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

type gate struct{ st *store.Store }

func (g gate) Check(_ context.Context, _ netip.Addr, address, password string) (store.Account, error) {
	if password != "secret" {
		return store.Account{}, errors.New("wrong")
	}
	return g.st.Account(store.Address(address))
}

// panics fails the test that made a page panic or fail.
type panics struct{ testing.TB }

func (p panics) Write(b []byte) (int, error) {
	p.Errorf("%s", b)
	return len(b), nil
}

type site struct {
	testing.TB
	store *store.Store
	*httptest.Server
}

func newSite(t testing.TB) *site {
	t.Helper()
	return serve(t, storetest.NewStore(t), slog.New(slog.NewTextHandler(panics{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

func serve(t testing.TB, st *store.Store, log *slog.Logger) *site {
	t.Helper()
	s := &site{TB: t, store: st}
	index := search.New(search.Options{Store: s.store, Folder: filepath.Join(t.TempDir(), "search"), DefaultDomain: "lists.example.org",
		Now: func() time.Time { return now }, Log: log})
	t.Cleanup(func() { index.Close() })
	s.Server = httptest.NewServer(web.New(web.Options{Store: s.store, Login: gate{s.store}, Search: index, URL: "http://lists.example.org",
		DefaultDomain: "lists.example.org", Name: "Sangam test", Log: log}).Handler())
	t.Cleanup(s.Server.Close)
	return s
}

func (s *site) list(name string, settings ...string) store.List {
	s.Helper()
	l := store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings(), Created: now}
	for _, kv := range settings {
		k, v, _ := strings.Cut(kv, "=")
		if err := l.Set(k, v); err != nil {
			s.Fatal(err)
		}
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
	m.Role, m.Name = role, "Asha"
	if err == nil {
		err = s.store.AddMember(m)
	}
	if err == nil {
		err = s.store.SetPassword(m.Address, []byte("hash"), now)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// post accepts a message with LF lines.
func (s *site) post(l store.List, text string) store.Post {
	s.Helper()
	raw := archive.CRLF([]byte(text))
	d := archive.Describe(raw, now)
	p, err := s.store.Accept(context.Background(), store.Acceptance{List: l.ID, MessageID: d.Post.MessageID, Content: sha256.Sum256(raw),
		References: d.References, Build: func(uint64) ([]byte, store.Post, error) {
			p := d.Post
			p.Received = now
			return raw, p, nil
		}})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

const mail = "From: Asha Rao <asha@example.org>\nSubject: %s\nMessage-ID: <%s@example.org>\nDate: Mon, 23 Nov 2026 10:00:00 +0530\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n%s\n\n%s\n"

type browser struct {
	*site
	http *http.Client
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type page struct {
	*http.Response
	text string
}

func (b *browser) do(r *http.Request) page {
	b.Helper()
	res, err := b.http.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return page{res, string(text)}
}

func (b *browser) get(path string, status int) page {
	b.Helper()
	r, err := http.NewRequest("GET", b.URL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	p := b.do(r)
	if p.StatusCode != status {
		b.Errorf("%s answers %d, want %d:\n%s", path, p.StatusCode, status, p.text)
	}
	return p
}

func (b *browser) form(path string, status int, fields url.Values, header ...string) page {
	b.Helper()
	r, _ := http.NewRequest("POST", b.URL+path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	p := b.do(r)
	if p.StatusCode != status {
		b.Errorf("POST %s answers %d, want %d", path, p.StatusCode, status)
	}
	return p
}

func (p page) has(t testing.TB, wants ...string) page {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(p.text, w) {
			t.Errorf("%s lacks %q:\n%s", p.Request.URL, w, p.text)
		}
	}
	return p
}

func (p page) lacks(t testing.TB, wants ...string) page {
	t.Helper()
	for _, w := range wants {
		if strings.Contains(p.text, w) {
			t.Errorf("%s has %q:\n%s", p.Request.URL, w, p.text)
		}
	}
	return p
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

func (b *browser) login(a string) {
	b.Helper()
	p := b.get("/login", 200)
	b.form("/login", 303, url.Values{"address": {a}, "password": {"secret"}, "token": {tokenField.FindStringSubmatch(p.text)[1]}})
}

func TestReadAPublicList(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "title=HepLink", "description=Those who treat")
	s.post(l, fmt.Sprintf(mail, "Ampoules", "a1", "", "See https://example.org/x?a=1&b=2. Write to ben@example.org\n\n> quoted"))
	s.post(l, fmt.Sprintf(mail, "Re: Ampoules", "a2", "In-Reply-To: <a1@example.org>", "yes\n-- \nAsha"))
	b := s.browser()
	b.get("/", 200).has(t, "HepLink", "heplink@lists.example.org", "2 posts")
	b.get("/heplink", 301)
	b.get("/HepLink/", 200).has(t, "Ampoules", "2 posts", "2026-11", "Those who treat")
	thread := b.get("/heplink/t/2", 200).has(t, `id="1"`, `id="2"`, "in reply to", `href="https://example.org/x?a=1&amp;b=2"`, "ben@…")
	thread.lacks(t, "ben@example.org", "asha@example.org", "<script", "http://lists.example.org/heplink/1.eml")
	b.get("/heplink/1", 200).has(t, "Next post")
	b.get("/heplink/3", 404)
	b.get("/heplink/01", 404)
	if to := b.get("/heplink/m/a1%40example.org", 302).Header.Get("Location"); to != "/heplink/1" {
		t.Errorf("permanent address leads to %s", to)
	}
	b.get("/heplink/archive/2026-11", 200).has(t, "Ampoules")
	b.get("/heplink/archive/2026-10", 404)
	if to := b.get("/heplink/1.eml", 303).Header.Get("Location"); !strings.HasPrefix(to, "/login") {
		t.Errorf("raw message leads to %s", to)
	}
	b.get("/robots.txt", 200).has(t, "Sitemap: http://lists.example.org/sitemap.xml")
	b.get("/sitemap.xml", 200).has(t, "<loc>http://lists.example.org/heplink/archive/2026-11</loc>")
	for _, path := range []string{"/feed.atom", "/heplink/feed.atom", "/heplink/t/1.atom"} {
		var f struct {
			XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
			Entries []struct {
				Title string `xml:"title"`
			} `xml:"entry"`
		}
		p := b.get(path, 200).lacks(t, "asha@example.org", "ben@example.org")
		if err := xml.Unmarshal([]byte(p.text), &f); err != nil || len(f.Entries) != 2 {
			t.Errorf("%s: %v, %d entries", path, err, len(f.Entries))
		}
	}
	s.store.RemovePost(l.ID, 1)
	b.get("/heplink/1", 410)
	b.get("/heplink/t/2", 200).has(t, "This post was removed", "Re: Ampoules</h1>")
	b.get("/heplink/", 200).has(t, "Re: Ampoules").lacks(t, ">Ampoules<")
	s.store.RemovePost(l.ID, 2)
	b.get("/heplink/", 200).lacks(t, "Ampoules", "Asha")
}

func TestPrivateListIsAsUnknown(t *testing.T) {
	s := newSite(t)
	l := s.list("closed")
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(mail, "Secret", "a1", "", "text"))
	b := s.browser()
	for _, path := range []string{"/%s/", "/%s/1", "/%s/t/1", "/%s/1.eml", "/%s/feed.atom", "/%s/members", "/%s/archive/2026-11", "/%s/m/a1@example.org", "/%s/1/1/x"} {
		closed, unknown := b.get(fmt.Sprintf(path, "closed"), 404), b.get(fmt.Sprintf(path, "nothing"), 404)
		if strings.ReplaceAll(closed.text, "closed", "nothing") != unknown.text {
			t.Errorf("%s differs from what does not exist", path)
		}
		for k, v := range closed.Header {
			if k != "Date" && fmt.Sprint(v) != fmt.Sprint(unknown.Header[k]) {
				t.Errorf("%s: header %s is %v and %v", path, k, v, unknown.Header[k])
			}
		}
	}
	b.get("/feed.atom", 200).lacks(t, "Secret")
	b.get("/sitemap.xml", 200).lacks(t, "closed")
	b.login("asha@example.org")
	b.get("/closed/", 200).has(t, "Secret", "asha@example.org")
	b.get("/closed/1", 200).has(t, "&lt;asha@example.org&gt;")
	b.get("/closed/members", 403)
	raw := b.get("/closed/1.eml", 200)
	if raw.Header.Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(raw.text, "From: Asha Rao <asha@example.org>\r\n") {
		t.Errorf("raw message: %v %q", raw.Header, raw.text)
	}
	s.store.SetPassword("asha@example.org", []byte("another"), now)
	b.get("/closed/", 404)
}

func TestDownloadImportsBack(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "raw=public")
	want := []store.Post{s.post(l, fmt.Sprintf(mail, "One", "a1", "", "From the start\n>From")), s.post(l, fmt.Sprintf(mail, "Two", "a2", "References: <a1@example.org>", "x"))}
	for _, path := range []string{"/heplink/t/1.mbox.gz", "/heplink/archive/2026-11.mbox.gz"} {
		p := s.browser().get(path, 200)
		z, err := gzip.NewReader(strings.NewReader(p.text))
		if err != nil {
			t.Fatal(err)
		}
		r := mbox.NewReader(z, 0)
		for _, post := range want {
			m, err := r.Next()
			raw, _ := s.store.Raw(l.ID, post.Number)
			if err != nil || !bytes.Equal(m.Raw, raw) {
				t.Errorf("%s: %v, %q", path, err, m.Raw)
			}
		}
	}
}

func TestFormsFromElsewhereDoNothing(t *testing.T) {
	s := newSite(t)
	l := s.list("closed")
	s.join(l, "asha@example.org", store.RoleOwner)
	b := s.browser()
	b.form("/login", 403, url.Values{"address": {"asha@example.org"}, "password": {"secret"}})
	p := b.get("/login?to=//evil.example/", 200).has(t, `name="to" value="/"`)
	token := tokenField.FindStringSubmatch(p.text)[1]
	fields := url.Values{"address": {"asha@example.org"}, "password": {"secret"}, "token": {token}}
	b.form("/login", 403, fields, "Origin", "https://evil.example")
	b.form("/login", 403, fields, "Sec-Fetch-Site", "cross-site")
	b.form("/login", 401, url.Values{"address": {"asha@example.org"}, "password": {"wrong"}, "token": {token}})
	s.browser().form("/login", 403, fields)
	b.login("asha@example.org")
	b.form("/logout", 403, url.Values{})
	b.get("/closed/members", 200).has(t, "owner")
	out := tokenField.FindStringSubmatch(b.get("/", 200).text)[1]
	b.form("/logout", 303, url.Values{"token": {out}})
	b.get("/closed/", 404)
}

func TestMailIsHostile(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "title=<script>alert(1)</script>")
	evil := `<script>alert(1)</script><p onclick="alert(1)" style="position:fixed">text<img src="http://evil.example/x.png"><a href="javascript:alert(1)">link</a><form action="/logout"></form><iframe src="/"></iframe><a href="http://ok.example/">ok</a></p>`
	s.post(l, "From: \"<script>alert(1)</script>\" <a@b.org>\nSubject: <script>alert(1)</script>\nMessage-ID: <1@x>\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"+evil+"\n")
	s.post(l, "From: a@b.org\nSubject: parts\nMessage-ID: <2@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n<script>alert(1)</script> javascript:alert(1)\n"+
		"--b\nContent-Type: text/html; name=\"x.html\"\nContent-Disposition: attachment; filename=\"../../<script>.html\"\n\n"+evil+"\n"+
		"--b\nContent-Type: image/svg+xml\nContent-Disposition: attachment; filename=x.svg\n\n<svg onload='alert(1)'/>\n"+
		"--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Disposition: inline; filename=\"a\r\n b.png\"\n\n"+base64.StdEncoding.EncodeToString([]byte("\x89PNG"))+"\n--b--\n")
	b := s.browser()
	for _, path := range []string{"/", "/heplink/", "/heplink/1", "/heplink/t/1", "/heplink/t/2", "/heplink/2", "/heplink/archive/2026-11"} {
		p := b.get(path, 200).lacks(t, "<script", "onclick", "position:fixed", "evil.example", "javascript:alert(1)\"", "<iframe", "action=\"/logout\"><", "<svg")
		if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	b.get("/heplink/1", 200).has(t, `href="http://ok.example/"`, "Pictures from other places")
	for k, kind := range map[string]string{"1/x": "application/octet-stream", "2/x": "application/octet-stream", "3/a": "image/png"} {
		p := b.get("/heplink/2/"+k, 200)
		h := p.Header
		if h.Get("Content-Type") != kind || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") ||
			strings.HasPrefix(h.Get("Content-Disposition"), "inline") != (kind == "image/png") {
			t.Errorf("attachment %s: %v", k, h)
		}
	}
	for _, path := range []string{"/heplink/2/9/x", "/heplink/2/0/x", "/heplink/../closed/", "/heplink/2/1/../../3", "/%2e%2e/etc/passwd", "/heplink/t/99999999999999999999", "/heplink/archive/../..", "/heplink/m/", "/heplink/t/"} {
		if p := b.do(must(http.NewRequest("GET", b.URL+path, nil))); p.StatusCode == 200 || p.StatusCode >= 500 {
			t.Errorf("%s answers %d", path, p.StatusCode)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestMethods(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	s.list("closed")
	s.post(l, fmt.Sprintf(mail, "One", "a1", "", "text"))
	b := s.browser()
	for path, allow := range map[string]string{"/": "GET, HEAD", "/heplink/1": "GET, HEAD", "/heplink/t/1": "GET, HEAD", "/nothing/1": "GET, HEAD", "/closed/1": "GET, HEAD", "/login": "GET, HEAD, POST"} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
			p := b.do(must(http.NewRequest(method, b.URL+path, nil)))
			if p.StatusCode != 405 || p.Header.Get("Allow") != allow {
				t.Errorf("%s %s answers %d, allow %q", method, path, p.StatusCode, p.Header.Get("Allow"))
			}
		}
		if !strings.Contains(allow, "POST") {
			b.form(path, 405, url.Values{})
		}
		if p := b.do(must(http.NewRequest("HEAD", b.URL+path, nil))); p.text != "" || p.StatusCode != b.do(must(http.NewRequest("GET", b.URL+path, nil))).StatusCode {
			t.Errorf("HEAD %s answers %d %q", path, p.StatusCode, p.text)
		}
	}
}

func TestOneAddressForEachPage(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	s.list("closed")
	s.post(l, strings.Replace(fmt.Sprintf(mail, "One", "a1", "", "text"), "a1@example.org", "a//b/../%2f@example.org/", 1))
	b := s.browser()
	for path, to := range map[string]string{"/heplink": "/heplink/", "/heplink?before=3": "/heplink/?before=3", "/heplink/1/": "/heplink/1", "/heplink/t/1/": "/heplink/t/1", "/heplink//1": "/heplink/1"} {
		p := b.do(must(http.NewRequest("GET", b.URL+path, nil)))
		if p.StatusCode/100 != 3 || p.Header.Get("Location") != to {
			t.Errorf("%s leads to %q with %d", path, p.Header.Get("Location"), p.StatusCode)
		}
	}
	for _, path := range []string{"/closed", "/closed/1/", "/nothing/", "/heplink/%00", "/%00/1", "/heplink/1%2f"} {
		b.get(path, 404)
	}
	if to := b.get("/heplink/m/a%2F%2Fb%2F..%2F%252f@example.org%2F", 302).Header.Get("Location"); to != "/heplink/1" {
		t.Errorf("an id with slashes leads to %q", to)
	}
}

// A download that broke off goes on where it stopped, and one that the client has is not sent again.
func TestDownloadGoesOn(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "raw=public")
	s.post(l, "From: a@b.org\nSubject: parts\nMessage-ID: <2@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"=?utf-8?Q?a=E2=80=AEfdp.exe?=\"\n\n0123456789\n--b--\n")
	b := s.browser()
	for path, rest := range map[string]string{"/heplink/1/1/x": "6789", "/heplink/1.eml": "-b--\r\n"} {
		whole := b.get(path, 200)
		from := len(whole.text) - len(rest)
		r := must(http.NewRequest("GET", b.URL+path, nil))
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		r.Header.Set("If-Range", whole.Header.Get("ETag"))
		if p := b.do(r); p.StatusCode != 206 || p.text != whole.text[from:] {
			t.Errorf("%s goes on with %d %q", path, p.StatusCode, p.text)
		}
		r = must(http.NewRequest("GET", b.URL+path, nil))
		r.Header.Set("If-None-Match", "W/"+whole.Header.Get("ETag"))
		if p := b.do(r); p.StatusCode != 304 {
			t.Errorf("%s again answers %d", path, p.StatusCode)
		}
	}
	if d := b.get("/heplink/1/1/x", 200).Header.Get("Content-Disposition"); d != "attachment; filename=afdp.exe" {
		t.Errorf("the file is called %q", d)
	}
	b.get("/heplink/1", 200).has(t, ">afdp.exe<")
	b.get("/heplink/1/01/x", 404)
	b.get("/heplink/1/2/x", 404)
	s.store.RemovePost(l.ID, 1)
	b.get("/heplink/1.eml", 410)
	b.get("/heplink/1/1/x", 410)
}

func TestAddressesAreForMembers(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, strings.ReplaceAll(fmt.Sprintf(mail, "Who knows ravi@clinic.example?", "a1", "", "https://x.example/?u=ravi@clinic.example\nravi@clinic.example"), "Asha Rao", "ravi@clinic.example"))
	b := s.browser()
	paths := []string{"/heplink/", "/heplink/1", "/heplink/t/1", "/heplink/archive/2026-11", "/heplink/feed.atom", "/heplink/t/1.atom", "/feed.atom"}
	for _, path := range paths {
		b.get(path, 200).lacks(t, "ravi@clinic.example", "ravi%40clinic.example?").has(t, "ravi@…")
	}
	s.post(l, fmt.Sprintf(mail, "Beside a name", "a2", "", "x"))
	for _, path := range []string{"/heplink/2", "/heplink/t/2"} {
		b.get(path, 200).lacks(t, "asha@example.org").has(t, "Asha Rao", "asha@…")
	}
	b.login("asha@example.org")
	for _, path := range paths[:4] {
		b.get(path, 200).has(t, "ravi@clinic.example")
	}
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	l := s.list("closed")
	s.join(l, "asha@example.org", store.RoleMember)
	s.post(l, fmt.Sprintf(mail, "Secret", "a1", "", "text"))
	b := s.browser()
	b.get("/closed/1", 404).has(t, `href="/login"`)
	form := must(http.NewRequest("GET", b.URL+"/login", nil))
	form.Header.Set("Referer", b.URL+"/closed/1?mono=1")
	p := b.do(form).has(t, `name="to" value="/closed/1?mono=1"`)
	form.Header.Set("Referer", "https://evil.example/closed/1")
	b.do(form).has(t, `name="to" value="/"`)
	token := tokenField.FindStringSubmatch(p.text)[1]
	for to, want := range map[string]string{"/closed/1": "/closed/1", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/"} {
		p := b.form("/login", 303, url.Values{"address": {"asha@example.org"}, "password": {"secret"}, "token": {token}, "to": {to}})
		if got := p.Header.Get("Location"); got != want {
			t.Errorf("login for %q leads to %q", to, got)
		}
		if c := p.Header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie %q", c)
		}
	}
	session := must(http.NewRequest("GET", b.URL+"/closed/1", nil))
	for _, c := range b.http.Jar.Cookies(session.URL) {
		session.AddCookie(c)
	}
	out := tokenField.FindStringSubmatch(b.get("/", 200).text)[1]
	b.form("/logout", 303, url.Values{"token": {out}})
	if p := s.browser().do(session); p.StatusCode != 404 {
		t.Errorf("a copy of the session's cookie answers %d after logout", p.StatusCode)
	}
}

func TestScripts(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	s.post(l, fmt.Sprintf(mail, "=?utf-8?B?2YHYp9mE2Ygg2KfZviDYtNuM2bk=?=", "a1", "Content-Transfer-Encoding: 8bit", "فالو اپ شیٹ منسلک ہے۔\n\nमरीज़ों की सूची"))
	s.browser().get("/heplink/1", 200).has(t, `dir="auto">فالو اپ شیٹ<`, `<p dir="auto">فالو اپ شیٹ منسلک ہے۔</p>`, `<p dir="auto">मरीज़ों की सूची</p>`)
}

func TestUnchangedPagesCostNothing(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	s.post(l, fmt.Sprintf(mail, "One", "a1", "", strings.Repeat("many words ", 500)))
	b := s.browser()
	first := b.get("/heplink/t/1", 200)
	again := must(http.NewRequest("GET", b.URL+"/heplink/t/1", nil))
	again.Header.Set("If-None-Match", first.Header.Get("ETag"))
	if p := b.do(again); p.StatusCode != 304 || p.text != "" {
		t.Errorf("the same page answers %d", p.StatusCode)
	}
	s.post(l, fmt.Sprintf(mail, "Re: One", "a2", "In-Reply-To: <a1@example.org>", "more"))
	if p := b.do(again); p.StatusCode != 200 {
		t.Errorf("the changed page answers %d", p.StatusCode)
	}
	packed := must(http.NewRequest("GET", b.URL+"/heplink/t/1", nil))
	packed.Header.Set("Accept-Encoding", "gzip")
	if p := b.do(packed); p.Header.Get("Content-Encoding") != "gzip" || len(p.text) > 2500 {
		t.Errorf("compressed: %v, %d bytes", p.Header, len(p.text))
	}
	b.get("/heplink/t/1?mono=1", 200).has(t, `class="text mono"`)
	b.get("/heplink/1", 200).has(t, `class="text mono"`)
}

// A long thread comes in parts, each of them small.
func TestLongThread(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	for i := range 120 {
		refs := ""
		if i > 0 {
			refs = fmt.Sprintf("In-Reply-To: <m%d@example.org>", i-1)
		}
		s.post(l, fmt.Sprintf(mail, "Long", fmt.Sprint("m", i), refs, strings.Repeat(fmt.Sprint("words of post ", i, " and so on\n"), 30)))
	}
	b := s.browser()
	seen, path := 0, "/heplink/t/1"
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	for path != "" {
		r := must(http.NewRequest("GET", b.URL+path, nil))
		r.Header.Set("Accept-Encoding", "gzip")
		packed := b.do(r)
		if len(packed.text) > 30_000 {
			t.Errorf("%s has %d bytes", path, len(packed.text))
		}
		p := b.get(path, 200)
		seen += strings.Count(p.text, "<article")
		path = ""
		if m := next.FindStringSubmatch(p.text); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if seen != 120 {
		t.Errorf("%d of 120 posts are shown", seen)
	}
	b.get("/heplink/t/100", 200).has(t, `id="100"`)
}

func BenchmarkThreadPage(b *testing.B) {
	s := newSite(b)
	l := s.list("heplink", "archive=public")
	for i := range 20 {
		s.post(l, fmt.Sprintf(mail, "Thread", fmt.Sprint("m", i), "References: <m0@example.org>", strings.Repeat("some words of a post\n> and a quote\n\n", 40)))
	}
	for _, cached := range []bool{false, true} {
		b.Run(fmt.Sprintf("cached=%v", cached), func(b *testing.B) {
			n := 0
			for b.Loop() {
				path := "/heplink/t/1"
				if n++; !cached {
					path += fmt.Sprint("?n=", n)
				}
				r := must(http.NewRequest("GET", s.URL+path, nil))
				r.Header.Set("Accept-Encoding", "gzip")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
