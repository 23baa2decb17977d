package web_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

// An attachment that was removed says so at its address; its post, the other attachments and whoever has the old page go on.
func TestRemovedAttachment(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "raw=public")
	part := "--b\nContent-Type: text/csv\nContent-Disposition: attachment; filename=%s.csv\n\n%s\n"
	s.post(l, "From: a@b.org\nSubject: parts\nMessage-ID: <2@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"+
		fmt.Sprintf(part, "one", "first")+fmt.Sprintf(part, "two", "second")+"--b--\n")
	b := s.browser()
	var known []string
	for _, path := range []string{"/heplink/1/1/one.csv", "/heplink/1.eml"} {
		known = append(known, path, b.get(path, 200).Header.Get("ETag"))
	}
	_, err := s.store.Redact(store.Redaction{List: l.ID, Number: 1, Gone: func(f store.File) bool { return f.K == 1 },
		Make: func(p store.Post, raw []byte) ([]byte, store.Post, error) {
			raw, err := archive.RemoveAttachment(raw, 1, now)
			return raw, archive.Describe(raw, now).Post, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	b.get("/heplink/1/1/one.csv", 410).has(t, "This attachment was removed")
	if p := b.get("/heplink/1/2/two.csv", 200); !strings.Contains(p.text, "second") {
		t.Errorf("the other one is %q", p.text)
	}
	post := b.get("/heplink/1", 200)
	post.has(t, "An attachment was removed", ">two.csv<")
	if raw := b.get("/heplink/1.eml", 200); strings.Contains(post.text, "one.csv") || strings.Contains(raw.text, "first") {
		t.Errorf("something of it is left:\n%s\n%s", post.text, raw.text)
	}
	for i := 0; i < len(known); i += 2 {
		r := must(http.NewRequest("GET", b.URL+known[i], nil))
		r.Header.Set("If-None-Match", known[i+1])
		if p := b.do(r); p.StatusCode == http.StatusNotModified {
			t.Errorf("%s is said to be as it was", known[i])
		}
	}
}

// The number of a post that is not archived says so, and answers to it stay.
func TestUnarchivedPost(t *testing.T) {
	s := newSite(t)
	l := s.list("heplink", "archive=public", "raw=public")
	raw := archive.CRLF([]byte(fmt.Sprintf(mail, "Between us", "a1", "X-No-Archive: yes", "not for everybody")))
	_, err := s.store.Accept(context.Background(), store.Acceptance{List: l.ID, MessageID: "a1@example.org", Content: sha256.Sum256(raw), Deliver: true,
		Unarchived: true, Build: func(uint64) ([]byte, store.Post, error) { return raw, archive.Describe(raw, now).Post, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s.post(l, fmt.Sprintf(mail, "Re: Between us", "a2", "In-Reply-To: <a1@example.org>", "an answer"))
	b := s.browser()
	for _, path := range []string{"/heplink/1", "/heplink/1.eml", "/heplink/1/1/x"} {
		b.get(path, 410).has(t, "The author asked that this post not be archived")
	}
	thread := b.get("/heplink/t/1", 200)
	thread.has(t, "The author asked that this post not be archived", "an answer")
	for _, path := range []string{"/heplink/t/1", "/heplink/", "/heplink/feed.atom", "/heplink/archive/2026-11", "/heplink/search?q=everybody"} {
		if p := b.get(path, 200); strings.Contains(p.text, "not for everybody") {
			t.Errorf("%s tells it", path)
		}
	}
}

// A damaged post says so; its thread and downloads go on.
func TestDamagedPost(t *testing.T) {
	st, hurt := storetest.NewHurt(t)
	s := serve(t, st, slog.New(slog.DiscardHandler))
	l := s.list("heplink", "archive=public", "raw=public")
	s.post(l, fmt.Sprintf(mail, "One", "a1", "", "the first"))
	s.post(l, fmt.Sprintf(mail, "Re: One", "a2", "In-Reply-To: <a1@example.org>", "the second"))
	b := s.browser()
	hurt.Bytes(l.ID, 1)
	b.get("/heplink/t/1", 200).has(t, "This post is damaged and cannot be shown", "the second")
	b.get("/heplink/1", 200).has(t, "This post is damaged")
	b.get("/heplink/1.eml", 500)
	z := must(gzip.NewReader(strings.NewReader(b.get("/heplink/t/1.mbox.gz", 200).text)))
	if text := string(must(io.ReadAll(z))); !strings.Contains(text, "the second") || strings.Contains(text, "the first") {
		t.Errorf("downloaded is %q", text)
	}
	hurt.Post(l.ID, 1)
	b.get("/heplink/1", 500)
	b.get("/heplink/2", 200).has(t, "the second")
}
