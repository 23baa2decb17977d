package files_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	now    = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
)

const site = "https://lists.example.org"

// Each testdata/NAME.eml has in NAME.want what its author shares.
func TestOf(t *testing.T) {
	mails, _ := filepath.Glob("testdata/*.eml")
	for _, mail := range mails {
		raw, err := os.ReadFile(mail)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, f := range files.Of(store.Post{Number: 1}, archive.CRLF(raw), site) {
			if f.Link() {
				fmt.Fprintf(&got, "link %s, title %q, found by %q", f.Name, f.Title, f.Words)
			} else {
				fmt.Fprintf(&got, "attachment %d %q %s %d bytes, title %q, found by %q", f.K, f.Name, f.Type, f.Size, f.Title, f.Words)
			}
			if f.Group != f.Content {
				got.WriteString(", one of several versions")
			}
			got.WriteString("\n")
		}
		golden := strings.TrimSuffix(mail, ".eml") + ".want"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, _ := os.ReadFile(golden)
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mail, diff)
		}
	}
}

func TestSameAndVersions(t *testing.T) {
	of := func(name, content, text string) []store.File {
		return files.Of(store.Post{}, archive.CRLF([]byte("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\n"+text+
			"\n--m\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\""+name+"\"\n\n"+content+"\n--m--\n")), site)
	}
	first := of("Stock list.pdf", "a", "https://example.net/x#part")
	again := of("stock LIST (2).pdf", "b", "http://EXAMPLE.net/x/")
	if first[0].Group != again[0].Group || first[0].Content == again[0].Content {
		t.Error("a copy with another content is no version")
	}
	if first[1].Content != again[1].Content {
		t.Errorf("the same page twice: %+v, %+v", first[1], again[1])
	}
	if renamed := of("other.pdf", "a", "https://example.net/y"); renamed[0].Content != first[0].Content || renamed[1].Content == first[1].Content {
		t.Error("the same content with another name is another file, or another page the same")
	}
	if a, b := of("IMG_0012.jpg", "a", ""), of("IMG_0012.jpg", "b", ""); a[0].Group == b[0].Group {
		t.Error("two pictures of cameras are versions")
	}
}

func acceptance(l store.List, n int) store.Acceptance {
	raw := archive.CRLF([]byte(fmt.Sprintf("From: a@x.org\nMessage-ID: <%d@x.org>\n\nhttps://example.net/%d\n", n, n)))
	return store.Acceptance{List: l.ID, MessageID: fmt.Sprintf("%d@x.org", n), Content: sha256.Sum256(raw),
		Build: func(uint64) ([]byte, store.Post, error) { return raw, archive.Describe(raw, now).Post, nil }}
}

func post(t testing.TB, st *store.Store, l store.List, n int) {
	t.Helper()
	if _, err := st.Accept(context.Background(), acceptance(l, n)); err != nil {
		t.Fatal(err)
	}
}

// A gatherer that begins late, and is stopped and started again, finds what every post shares, once.
func TestGatherer(t *testing.T) {
	st := storetest.NewStore(t)
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "x.org", Settings: store.DefaultSettings(), Created: now})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if err := files.New(st, site, log).Catch(l.ID); err != nil { // there is nothing yet
		t.Fatal(err)
	}
	const old = 1250
	var as []store.Acceptance
	for n := range old {
		as = append(as, acceptance(l, n+1))
	}
	if _, err := st.AcceptAll(context.Background(), as); err != nil {
		t.Fatal(err)
	}
	if err := st.RemovePost(l.ID, 7); err != nil {
		t.Fatal(err)
	}
	upto := func(n uint64) {
		for {
			changed := st.FilesChanged(l.ID)
			if c, err := st.FilesCursor(l.ID); err != nil {
				t.Fatal(err)
			} else if c.Upto >= n {
				return
			}
			<-changed
		}
	}
	for run := range 2 {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- files.New(st, site, log).Run(ctx) }()
		upto(uint64(old + run))
		post(t, st, l, old+run+1)
		if run == 1 {
			if err := files.New(st, site, log).Catch(l.ID); err != nil { // while the other may do the same
				t.Fatal(err)
			}
		}
		upto(uint64(old + run + 1))
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	fs, err := st.Files(l.ID, store.FileQuery{Limit: 2000})
	if err != nil || len(fs) != old+1 || fs[0].Name != fmt.Sprint("https://example.net/", old+2) || fs[old].Name != "https://example.net/1" {
		t.Errorf("%d files: %v", len(fs), err)
	}
}

// Readers that gather meanwhile do not stop the one behind the log.
func TestGatherersAtTheSameTime(t *testing.T) {
	st := storetest.NewStore(t)
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "x.org", Settings: store.DefaultSettings(), Created: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	g := files.New(st, site, slog.New(slog.DiscardHandler))
	all.Go(func() { g.Run(ctx) })
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := g.Catch(l.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 60 {
		post(t, st, l, n+1)
	}
	cancel()
	all.Wait()
	if err := g.Catch(l.ID); err != nil {
		t.Fatal(err)
	}
	fs, err := st.Files(l.ID, store.FileQuery{Limit: 1000})
	if err != nil || len(fs) != 60 {
		t.Errorf("%d files: %v", len(fs), err)
	}
}
