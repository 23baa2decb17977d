package mbox_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wesouthasians.org/sangam/archive/mbox"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func openStore(t testing.TB) *store.Store {
	t.Helper()
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "sangam.db"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func createList(t testing.TB, st *store.Store, name string) store.List {
	t.Helper()
	l, err := st.CreateList(store.List{Name: name, Domain: "lists.example.org", Created: now, Settings: store.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// write makes a file below dir and returns its path.
func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// mail is a message with an id, made so that its body tells which it is.
func mail(id, body string) string {
	return "Message-ID: <" + id + "@example.org>\nFrom: Asha <asha@example.org>\nDate: Mon, 23 Nov 2026 10:00:00 +0000\nSubject: " + id + "\n\n" + body + "\n"
}

const from = "From asha@example.org Mon Nov 23 10:00:00 2026\n"

func doImport(t testing.TB, st *store.Store, l store.List, paths ...string) mbox.Result {
	t.Helper()
	res, err := mbox.Import(context.Background(), st, l, paths, mbox.Options{Now: now, MaxSize: 100000})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// ids of a list's posts in posting order.
func ids(t testing.TB, st *store.Store, l store.List) string {
	t.Helper()
	var out []string
	for p, err := range st.Posts(l.ID, 1, 1<<62) {
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(p.MessageID, "@")
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func TestImportSources(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "plain.mbox", from+mail("a", "1")+"\n"+from+mail("b", "2"))
	write(t, dir, "packed.gz", zip(from+mail("a", "1")+"\n")+zip(from+mail("b", "2")))
	write(t, dir, "one.eml", mail("a", "1"))
	write(t, dir, "maildir/cur/1002.x:2,S", mail("b", "2"))
	write(t, dir, "maildir/new/1001.x", mail("a", "1"))
	write(t, dir, "maildir/new/1003.x", mail("c", "3"))
	write(t, dir, "maildir/tmp/1000.x", mail("d", "4"))
	write(t, dir, "maildir/.Sent/cur/1.x", mail("e", "5"))
	write(t, dir, "folder/02.eml", mail("b", "2"))
	write(t, dir, "folder/01.eml", mail("a", "1"))
	write(t, dir, "folder/03/c.eml", mail("c", "3"))
	write(t, dir, "folder/04", from+mail("d", "4"))
	write(t, dir, "folder/05.jpg", "\xff\xd8\xff\xe0 no mail")
	write(t, dir, "folder/06.eml", "")
	write(t, dir, "folder/.hidden", mail("h", "0"))
	tests := map[string]struct {
		path, want string
		refused    []string
	}{
		"mbox":           {"plain.mbox", "a b", nil},
		"gzip twice":     {"packed.gz", "a b", nil},
		"one message":    {"one.eml", "a", nil},
		"Maildir":        {"maildir", "a b c", []string{".Sent: another folder: name it to import it"}},
		"folder":         {"folder", "a b c d", []string{".hidden: hidden: name it to import it", "05.jpg: neither an mbox nor a message", "06.eml: the file is empty"}},
		"missing":        {"missing", "", []string{"missing: stat: no such file or directory"}},
		"Maildir folder": {"maildir/.Sent/cur/1.x", "e", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			st := openStore(t)
			l := createList(t, st, "heplink")
			res := doImport(t, st, l, filepath.Join(dir, tt.path))
			if got := ids(t, st, l); got != tt.want {
				t.Errorf("posts %q, want %q", got, tt.want)
			}
			var refused []string
			for _, r := range res.Refused {
				refused = append(refused, filepath.Base(r.Source)+": "+r.Reason)
			}
			if d := cmp.Diff(tt.refused, refused); d != "" {
				t.Errorf("refused (-want +got):\n%s", d)
			}
			if want := len(strings.Fields(tt.want)); res.Imported != want || res.Duplicates != 0 {
				t.Errorf("%d imported, %d duplicates; want %d and none", res.Imported, res.Duplicates, want)
			}
		})
	}
}

func TestImportTwiceAddsNothing(t *testing.T) {
	st := openStore(t)
	l := createList(t, st, "heplink")
	noID := "From: a@b\nSubject: no id\n\nhello\n"
	file := write(t, t.TempDir(), "x.mbox", from+mail("a", "1")+"\n"+from+mail("a", "other content")+"\n"+from+mail("a", "1")+"\n"+from+noID+"\n"+from+noID)
	if res := doImport(t, st, l, file); res.Imported != 3 || res.Duplicates != 2 || len(res.Refused) != 0 {
		t.Errorf("first: %+v", res)
	}
	if res := doImport(t, st, l, file); res.Imported != 0 || res.Duplicates != 5 || len(res.Refused) != 0 {
		t.Errorf("second: %+v", res)
	}
}

func TestImportBrokenFiles(t *testing.T) {
	whole := from + mail("a", strings.Repeat("text to pack\n", 50)) + "\n" + from + mail("b", "2")
	dir := t.TempDir()
	packed := zip(whole)
	cut := write(t, dir, "cut.gz", packed[:len(packed)-12])
	large := write(t, dir, "large.mbox", from+mail("a", "1")+"\n"+from+mail("l", strings.Repeat("x", 200000))+"\n"+from+mail("b", "2"))
	st := openStore(t)
	l := createList(t, st, "heplink")
	res := doImport(t, st, l, cut, large)
	if got := ids(t, st, l); got != "a b a" { // of the cut file what could be read; of the other an a with other content and the same b
		t.Errorf("posts %q", got)
	}
	var refused []string
	for _, r := range res.Refused {
		refused = append(refused, filepath.Base(r.Source)+": "+r.Reason)
	}
	joined := strings.Join(refused, "\n")
	if len(refused) != 2 || !strings.Contains(joined, "cut.gz:") || !strings.Contains(joined, "broken off") || !strings.Contains(joined, "large.mbox:9: the message is larger than 100000 bytes") {
		t.Errorf("refused:\n%s", joined)
	}
}

func TestImportDescribes(t *testing.T) {
	st := openStore(t)
	l := createList(t, st, "heplink")
	head := "From: =?utf-8?Q?Asha?= <Asha@Example.org>\nSubject: =?utf-8?Q?caf=C3=A9?=\n"
	file := write(t, t.TempDir(), "x.mbox",
		from+"Received: from x by y; Sun, 22 Nov 2026 08:00:00 +0200\nReceived: from z by x; Sat, 21 Nov 2026 08:00:00 +0000\nMessage-ID: <a@x>\nDate: Sat, 21 Nov 2026 07:00:00 +0000\n"+head+"\none\n\n"+
			from+"Message-ID: <b@x>\nIn-Reply-To: <a@x>\nDate: Sun, 22 Nov 2026 07:00:00 +0000\n"+head+"\ntwo\n\n"+
			"From asha@example.org Mon Nov 23 10:00:00 2026\nMessage-ID: <c@x>\nReferences: <a@x> <b@x>\nDate: Sun, 22 Nov 2099 07:00:00 +0000\n"+head+"\nthree\n\n")
	doImport(t, st, l, file)
	want := []string{
		"1 café Asha asha@example.org 2026-11-22T06:00:00Z 2026-11-21T07:00:00Z parent 0 thread 1",
		"2 café Asha asha@example.org 2026-11-22T07:00:00Z 2026-11-22T07:00:00Z parent 1 thread 1",
		"3 café Asha asha@example.org 2026-11-23T10:00:00Z 2026-11-23T10:00:00Z parent 2 thread 1",
	}
	var got []string
	for p, err := range st.Posts(l.ID, 1, 1<<62) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %s %s %s %s parent %d thread %d", p.Number, p.Subject, p.From, p.Author, p.Received.Format(time.RFC3339), p.Date.Format(time.RFC3339), p.Parent, p.Thread))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("posts (-want +got):\n%s", d)
	}
	if jobs, err := st.Jobs(); err != nil || len(jobs) != 0 {
		t.Errorf("an import delivers: %v %v", jobs, err)
	}
}

func TestExportImportsToTheSameBytes(t *testing.T) {
	st := openStore(t)
	a, b := createList(t, st, "a"), createList(t, st, "b")
	dir := t.TempDir()
	var paths []string
	for i, m := range []string{
		mail("a", "plain"), "Subject: no line break at the end\n\nx", "Subject: bare CR\n\na\rb\r\r\nc\r\n\r\r\n",
		"Subject: From\n\nFrom x\n>From y\n>>From Mon Nov 23 10:00:00 2026\n", "Subject: NUL\n\na\x00b\n\n\n\n", "\n\n", "Subject: header only", "Subject: mixed\r\n\na\nb\r\n",
	} {
		paths = append(paths, write(t, dir, fmt.Sprintf("%02d.eml", i), m))
	}
	if res := doImport(t, st, a, paths...); res.Imported != len(paths) || len(res.Refused) != 0 {
		t.Fatalf("%+v", res)
	}
	var file bytes.Buffer
	if n, err := mbox.Export(context.Background(), &file, st, a, time.Time{}); err != nil || n != len(paths) {
		t.Fatalf("exported %d: %v", n, err)
	}
	if bytes.Contains(file.Bytes(), []byte("plain\r\n")) {
		t.Error("an export has LF lines")
	}
	if res := doImport(t, st, b, write(t, dir, "a.mbox", file.String())); res.Imported != len(paths) || len(res.Refused) != 0 {
		t.Fatalf("%+v", res)
	}
	for n := uint64(1); n <= uint64(len(paths)); n++ {
		want, err1 := st.Raw(a.ID, n)
		got, err2 := st.Raw(b.ID, n)
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("post %d: %q, want %q (%v, %v)", n, got, want, err1, err2)
		}
	}
}

func TestExportSinceAndRemoved(t *testing.T) {
	st := openStore(t)
	l := createList(t, st, "heplink")
	dated := func(id, day string) string {
		return from + "Message-ID: <" + id + "@x>\nDate: " + day + " Nov 2026 10:00:00 +0000\nSubject: " + id + "\n\nx\n\n"
	}
	doImport(t, st, l, write(t, t.TempDir(), "x.mbox", dated("a", "1")+dated("b", "10")+dated("c", "20")))
	if err := st.RemovePost(l.ID, 3); err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	n, err := mbox.Export(context.Background(), &file, st, l, time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC))
	if err != nil || n != 1 || !strings.Contains(file.String(), "<b@x>") {
		t.Errorf("%d posts, %v:\n%s", n, err, file.String())
	}
}

func TestImportStops(t *testing.T) {
	st := openStore(t)
	l := createList(t, st, "heplink")
	var file strings.Builder
	for i := range 2000 {
		file.WriteString(from + mail(fmt.Sprint("m", i), "x") + "\n")
	}
	path := write(t, t.TempDir(), "x.mbox", file.String())
	ctx, cancel := context.WithCancel(context.Background())
	var last, total int64
	res, err := mbox.Import(ctx, st, l, []string{path}, mbox.Options{Now: now, Progress: func(d, of int64) {
		last, total = d, of
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || res.Imported == 0 || res.Imported == 2000 {
		t.Errorf("%+v, %v: want a part and context.Canceled", res, err)
	}
	if total != int64(file.Len()) || last <= 0 || last > total {
		t.Errorf("progress %d of %d, file of %d", last, total, file.Len())
	}
	if res := doImport(t, st, l, path); res.Imported+res.Duplicates != 2000 {
		t.Errorf("going on: %+v", res)
	}
}

// BenchmarkImport imports 10,000 messages of 6 KB into a new store.
func BenchmarkImport(b *testing.B) {
	const messages = 10000
	var file bytes.Buffer
	w := mbox.NewWriter(&file)
	for i := range messages {
		parent := fmt.Sprintf("In-Reply-To: <m%d@example.org>\r\n", i-i%7)
		w.Write(now, fmt.Appendf(nil, "Received: from a by b; Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m%d@example.org>\r\n%sFrom: =?utf-8?Q?Asha?= <asha%d@example.org>\r\nTo: list@example.org\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nSubject: message %d\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s",
			i, parent, i%150, i, strings.Repeat(fmt.Sprintf("A line of text %d as people write it to each other.\r\n", i*7919), 110)))
	}
	w.Flush()
	path := write(b, b.TempDir(), "x.mbox", file.String())
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		st := openStore(b)
		l := createList(b, st, "heplink")
		if res := doImport(b, st, l, path); res.Imported != messages {
			b.Fatalf("%+v", res)
		}
	}
	b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "messages/s")
}
