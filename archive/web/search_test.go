package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
)

func find(path, query string) string { return path + "?q=" + url.QueryEscape(query) }

func TestSearchOneList(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "title=HepLink", "subject_prefix=[{name}] ")
	s.post(l, fmt.Sprintf(mail, "[heplink] Cold chain", "a1", "", "The cold chains broke <i> in Pune. Write to ben@example.org."))
	s.post(l, fmt.Sprintf(mail, "Re: [heplink] Cold chain", "a2", "", "Also in Delhi.\n\n> The cold chains broke"))
	b := s.browser()
	b.get("/heplink/", 200).has(t, `action="/heplink/search"`, `name="q"`)
	b.get("/heplink/search", 200).has(t, `action="/heplink/search"`, "from:asha", `<meta name="robots" content="noindex">`, "HepLink").lacks(t, "posts found")
	p := b.get(find("/heplink/search", "chain pune"), 200).has(t, `value="chain pune"`, "1 post found", `href="/heplink/1"`, ">Cold chain</a>", "Asha Rao",
		"The cold <mark>chains</mark> broke &lt;i&gt; in <mark>Pune</mark>. Write to ben@….")
	p.lacks(t, "ben@example.org", "asha@example.org")
	if p.Header.Get("Cache-Control") != "no-store" {
		t.Error("what was found is cached")
	}
	b.get(find("/heplink/search", `"chains broke"`), 200).has(t, "2 posts found", "/heplink/1", "/heplink/2")
	b.get(find("/heplink/search", "from:asha after:2026-11-01 delhi"), 200).has(t, "1 post found", "heplink/2")
	b.get(find("/heplink/search", "nosuchword"), 200).has(t, "Nothing was found", "0 posts found")
	b.get(find("/heplink/search", `<script>"&`), 200).has(t, `value="&lt;script&gt;&#34;&amp;"`).lacks(t, "<script>")
	b.get(find("/heplink/search", "after:soon"), 400).has(t, "after:soon", "cannot be searched for", "after:2026-01-31", `role="alert"`)
	if to := b.get("/heplink/search/", 301).Header.Get("Location"); to != "/heplink/search" && !strings.HasSuffix(to, "/heplink/search") {
		t.Errorf("a slash leads to %s", to)
	}
	if err := s.store.RemovePost(l.ID, 1); err != nil {
		t.Fatal(err)
	}
	b.get(find("/heplink/search", "pune"), 200).has(t, "Nothing was found").lacks(t, "heplink/1")
}

func TestSearchHasPages(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	for i := range 45 {
		s.post(l, fmt.Sprintf(mail, fmt.Sprint("Post ", i), fmt.Sprint("a", i), "", "word"))
	}
	b := s.browser()
	seen := map[string]bool{}
	for page, want := range map[int]int{1: 20, 2: 20, 3: 5} {
		p := b.get(fmt.Sprintf("/heplink/search?q=word&page=%d", page), 200).has(t, fmt.Sprintf("Page %d of 3", page), "45 posts found")
		links := strings.Split(p.text, `class="title" href="`)[1:]
		if len(links) != want {
			t.Errorf("page %d has %d posts", page, len(links))
		}
		for _, link := range links {
			seen[link[:strings.IndexByte(link, '"')]] = true
		}
	}
	if len(seen) != 45 {
		t.Errorf("the pages show %d posts", len(seen))
	}
	b.get("/heplink/search?q=word&page=2", 200).has(t, `href="/heplink/search?q=word&amp;page=1"`, `href="/heplink/search?q=word&amp;page=3"`)
	b.get("/heplink/search?q=word&page=9", 200).has(t, "Nothing was found").lacks(t, "page=10")
}

// A list that the reader may not read does not show in any answer, nor does one that only its members know.
func TestSearchAllListsThatTheReaderMayRead(t *testing.T) {
	s := newSite(t)
	open, secret, quiet := s.list("open", "archive=public", "title=Open"), s.list("secret", "title=Secret"), s.list("quiet", "archive=public", "advertised=false", "title=Quiet")
	for i, l := range []store.List{open, secret, quiet} {
		s.post(l, fmt.Sprintf(mail, "Ampoules", fmt.Sprint("a", i), "", "Doses are with ben@example.org"))
	}
	s.join(secret, "asha@example.org", store.RoleMember)
	b := s.browser()
	b.get("/", 200).has(t, `action="/search"`)
	b.get(find("/search", "doses"), 200).has(t, "1 post found", "/open/1", "Open", "ben@…").lacks(t, "secret", "Secret", "quiet", "ben@example.org")
	for _, query := range []string{"doses list:secret", "list:quiet", "list:nosuch"} {
		b.get(find("/search", query), 200).has(t, "0 posts found").lacks(t, "/secret/", "/quiet/")
	}
	missing := b.get(find("/secret/search", "doses"), 404)
	none := b.get(find("/nosuch1/search", "doses"), 404)
	if strings.ReplaceAll(missing.text, "secret", "nosuch1") != none.text {
		t.Error("a private list is answered in another way than none")
	}
	b.login("asha@example.org")
	b.get(find("/search", "doses"), 200).has(t, "2 posts found", "/open/1", "/secret/1", "ben@example.org", "ben@…").lacks(t, "/quiet/")
	b.get(find("/search", "doses list:secret"), 200).has(t, "1 post found", "/secret/1").lacks(t, "/open/1")
	b.get(find("/secret/search", "doses"), 200).has(t, "1 post found", "ben@example.org")
	b.get(find("/quiet/search", "doses"), 200).has(t, "1 post found")
}
