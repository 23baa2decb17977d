package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/web"
)

// The link to an attachment works without login for its days, and for nothing else.
func TestSignedAttachment(t *testing.T) {
	s := newSite(t)
	clock := now
	handler := web.New(web.Options{Store: s.store, URL: "https://lists.example.org", DefaultDomain: "lists.example.org",
		Now: func() time.Time { return clock }, Log: slog.New(slog.DiscardHandler)}).Handler()
	get := func(target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w
	}
	l, other := s.list("heplink"), s.list("other")
	for range 2 {
		s.post(l, "From: a@b.org\nSubject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"+
			"--b\nContent-Type: image/png; name=\"फ़ोटो?1.png\"\n\nPNG1\n--b\nContent-Type: application/pdf; name=2.pdf\n\nPDF2\n--b--\n"+time.Now().String())
	}
	links := web.NewLinks(s.store, "https://lists.example.org/", "lists.example.org")
	link := links.Attachment(l, 1, archive.Attachment{K: 1, Filename: "फ़ोटो?1.png"}, now.AddDate(0, 0, 60))
	if !strings.HasPrefix(link, "https://lists.example.org/heplink/1/1/") || len(link) > 200 {
		t.Fatal(link)
	}
	if w := get(link); w.Code != http.StatusOK || w.Body.String() != "PNG1" || !strings.Contains(w.Header().Get("Cache-Control"), "private") {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	key := u.Query().Get("key")
	for what, target := range map[string]string{
		"without key":        "/heplink/1/1/x",
		"another attachment": "/heplink/1/2/2.pdf?until=2027-01-23&key=" + key,
		"another post":       "/heplink/2/1/x?until=2027-01-23&key=" + key,
		"another list":       "/other/1/1/x?until=2027-01-23&key=" + key,
		"another day":        "/heplink/1/1/x?until=2029-01-23&key=" + key,
		"no day":             "/heplink/1/1/x?key=" + key,
		"a shorter key":      "/heplink/1/1/x?until=2027-01-23&key=" + key[:21],
		"the post":           "/heplink/1?until=2027-01-23&key=" + key,
		"the raw message":    "/heplink/1.eml?until=2027-01-23&key=" + key,
		"no attachment":      links.Attachment(l, 1, archive.Attachment{K: 9, Filename: "x"}, now.AddDate(0, 0, 60)),
		"no post":            links.Attachment(other, 1, archive.Attachment{K: 1, Filename: "x"}, now.AddDate(0, 0, 60)),
	} {
		if w := get(target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", what, w.Code)
		}
	}
	clock = now.AddDate(0, 0, 60)
	if w := get(link); w.Code != http.StatusOK {
		t.Errorf("on the last day: %d", w.Code)
	}
	clock = now.AddDate(0, 0, 61)
	if w := get(link); w.Code != http.StatusNotFound {
		t.Errorf("after the last day: %d", w.Code)
	}
}
