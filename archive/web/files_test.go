package web_test

import (
	"fmt"
	"strings"
	"testing"

	"wesouthasians.org/sangam/store"
)

// report is a post with a file and a text.
func report(id, subject, text, file, content string) string {
	return "From: Asha Rao <asha@example.org>\nSubject: " + subject + "\nMessage-ID: <" + id + "@example.org>\nDate: Mon, 23 Nov 2026 10:00:00 +0530\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\n--m\nContent-Type: application/pdf\n" +
		"Content-Disposition: attachment; filename=\"" + file + "\"\n\n" + content + "\n--m--\n"
}

func TestFiles(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	b := s.browser()
	b.get("/heplink/files", 200).has(t, "Nothing has been shared yet")
	s.post(l, report("a", "First report", "See https://example.net/guide?a=1&b=2 by ben@example.org.", "Report 1.pdf", "one"))
	s.post(l, report("b", "Better report", "> https://quoted.example.net/", "report 1.pdf", "two"))
	s.post(l, report("c", "The same", "-- \nhttps://signature.example.net/", "copy.pdf", "one"))
	page := b.get("/heplink/files", 200)
	page.has(t, `<a class="title" href="/heplink/2/1/report%201.pdf" dir="auto" rel="nofollow">report 1.pdf</a>`, "PDF, 3 bytes",
		`<a href="/heplink/t/2#2" dir="auto">Better report</a>`, "Earlier versions: 1", `<a href="/heplink/1/1/Report%201.pdf"`,
		`href="https://example.net/guide?a=1&amp;b=2"`, "example.net/guide?a=1&amp;b=2</a>", "ben@…").
		lacks(t, "copy.pdf", "quoted.example", "signature.example", "ben@example.org", "?before=")
	if strings.Index(page.text, "report 1.pdf") > strings.Index(page.text, "example.net/guide") {
		t.Error("the newest is not first")
	}
	if got := b.get("/heplink/2/1/report%201.pdf", 200).text; strings.TrimSpace(got) != "two" {
		t.Errorf("the file is %q", got)
	}
	b.get("/heplink/files?q=REPÖRT+pdf", 200).has(t, "report 1.pdf", `value="REPÖRT pdf"`).lacks(t, "example.net/guide")
	b.get("/heplink/files?kind=links", 200).has(t, "example.net/guide").lacks(t, "report 1.pdf")
	b.get("/heplink/files?kind=files", 200).has(t, "report 1.pdf").lacks(t, "example.net/guide")
	b.get("/heplink/files?q=nowhere", 200).has(t, "No file or link has these words")
	b.get("/heplink/files?q=%3Cscript%3E%ff", 200).lacks(t, "<script>")
	b.get("/heplink/files?before=x", 200).has(t, "report 1.pdf")
	b.get("/heplink/files/", 301)
	b.get("/heplink/", 200).has(t, `<a href="/heplink/files">Files and links</a>`)

	etag := page.Header.Get("ETag")
	if err := s.store.RemovePost(l.ID, 1); err != nil {
		t.Fatal(err)
	}
	page = b.get("/heplink/files", 200)
	page.has(t, "copy.pdf", "report 1.pdf").lacks(t, "Report 1.pdf", "example.net/guide", "Earlier")
	if page.Header.Get("ETag") == etag {
		t.Error("the page is said to be unchanged when a file is gone")
	}
}

func TestFilesInPages(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public")
	for n := range 95 {
		s.post(l, fmt.Sprintf(mail, "Links", fmt.Sprint(n), "", fmt.Sprintf("https://example.net/page%d", n)))
	}
	b := s.browser()
	found := 0
	for path := "/heplink/files?q=page"; path != ""; {
		p := b.get(path, 200)
		found += strings.Count(p.text, `class="title"`)
		_, next, ok := strings.Cut(p.text, `<a rel="next" href="`)
		if path = ""; ok {
			path, _, _ = strings.Cut(strings.ReplaceAll(next, "&amp;", "&"), `"`)
		}
	}
	if found != 95 {
		t.Errorf("%d links on all pages", found)
	}
}

func TestFilesOfPrivateLists(t *testing.T) {
	s := newSite(t)
	l := s.list("private")
	s.post(l, report("a", "Report", "https://example.net/secret", "secret.pdf", "one"))
	b := s.browser()
	private, unknown := b.get("/private/files", 404), b.get("/nowhere/files", 404)
	if strings.ReplaceAll(private.text, "private", "") != strings.ReplaceAll(unknown.text, "nowhere", "") {
		t.Error("a private list is told from one that does not exist")
	}
	s.join(l, "asha@example.org", store.RoleMember)
	b.login("asha@example.org")
	b.get("/private/files", 200).has(t, "secret.pdf", "example.net/secret")
}
