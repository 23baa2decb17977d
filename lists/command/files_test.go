package command_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// share posts a mail with a file and a text.
func (w *world) share(name, kind, content, text string) store.Post {
	w.Helper()
	w.ids++
	raw := archive.CRLF([]byte(fmt.Sprintf("From: Asha Rao <asha@example.org>\nSubject: Post %d\nMessage-ID: <share%d@x.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n"+
		"--m\n\n%s\n--m\nContent-Type: %s\nContent-Disposition: attachment; filename*=UTF-8''%s\n\n%s\n--m--\n", w.ids, w.ids, text, kind, name, content)))
	d := archive.Describe(raw, w.now)
	p, err := w.store.Accept(context.Background(), store.Acceptance{List: w.list.ID, MessageID: d.Post.MessageID, Content: sha256.Sum256(raw),
		Build: func(uint64) ([]byte, store.Post, error) { return raw, d.Post, nil }})
	w.must(err)
	return p
}

func TestFilesByMail(t *testing.T) {
	w := newWorld(t)
	ask := func(line string) mail {
		t.Helper()
		ms := w.take("asha@example.org", line)
		if len(ms) != 1 {
			t.Fatalf("%s: %+v", line, ms)
		}
		return ms[0]
	}
	has := func(m mail, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(m.Text, want) {
				t.Errorf("lacks %q:\n%s", want, m.Text)
			}
		}
	}
	has(ask("files heplink"), "Nothing has been shared yet.")
	w.share("%E0%A4%B8%E0%A5%82%E0%A4%9A%E0%A5%80.csv", "text/csv; charset=utf-8", "a;b", "The list is at https://example.net/list")
	last := w.share("Guide.html", "message/strange", "<p>", "")
	w.share("big.bin", "application/zip", strings.Repeat("x", 5<<20+1), "")
	all := ask("FILES heplink@lists.example.org")
	has(all, "Asha Rao: Guide.html (3 B)\n   Post ", "   GET heplink FILE 3", "2. 2026-11-24  Asha Rao: https://example.net/list\n   The list is at / Post ", "1. 2026-11-24  Asha Rao: सूची.csv")
	if strings.Index(all.Text, "FILE 3") > strings.Index(all.Text, "FILE 1") || strings.Contains(all.Text, "FILE 2") {
		t.Errorf("order, or a command for a link:\n%s", all.Text)
	}
	if text := ask("files 1").Text; !strings.Contains(text, "FILE 4") || strings.Contains(text, "FILE 3") {
		t.Errorf("one file:\n%s", text)
	}
	if text := ask("files GUIDE html").Text; !strings.Contains(text, "FILE 3") || strings.Contains(text, "FILE 1") {
		t.Errorf("found:\n%s", text)
	}
	has(ask("files nowhere"), "Nothing was found.")

	m := ask("get heplink file 1-3 9")
	has(m, "Files attached: 2", "1  2026-11-24  Asha Rao: सूची.csv", "2  https://example.net/list", "There is no file 9 on heplink@lists.example.org.")
	files := archive.Read(m.Raw).Attachments
	if len(files) != 2 || files[0].Filename != "सूची.csv" || files[0].Type != "text/csv" || string(files[0].Part.Decode(m.Raw, 0)) != "a;b" ||
		files[1].Filename != "Guide.html" || files[1].Type != "application/octet-stream" {
		t.Errorf("attached: %+v", files)
	}
	if m := ask("get file 4"); !strings.Contains(m.Text, "https://lists.example.org/heplink/3/1/big.bin") || len(archive.Read(m.Raw).Attachments) != 0 {
		t.Errorf("a file that is too large:\n%s", m.Text)
	}
	has(ask("get file"), "GET LIST FILE n")
	w.must(w.store.RemovePost(w.list.ID, last.Number))
	has(ask("get file 3"), "There is no file 3")
	if ms := w.take("mallory@evil.example", "files\nget file 1"); len(ms) != 1 || strings.Contains(ms[0].Text, "FILE 1\n\nAsha") || strings.Contains(ms[0].Text, "csv") ||
		len(archive.Read(ms[0].Raw).Attachments) != 0 {
		t.Errorf("a stranger gets %+v", ms)
	}
}

func TestFilesThatDoNotFit(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.share(fmt.Sprintf("big%d.bin", i), "application/zip", strings.Repeat("x", 2<<20)+fmt.Sprint(i), "")
	}
	ms := w.take("asha@example.org", "get heplink file 1-3")
	if len(ms) != 1 || len(archive.Read(ms[0].Raw).Attachments) != 2 || !strings.Contains(ms[0].Text, "GET heplink FILE 3") {
		t.Errorf("%d mails, %s", len(ms), ms[0].Text)
	}
}
