package imapd_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive/imapd"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/store"
)

// asked counts the questions to an index.
type asked struct {
	*search.Index
	n atomic.Int64
}

func (a *asked) Containing(ctx context.Context, l store.List, text string, header bool) (search.Numbers, bool, error) {
	a.n.Add(1)
	return a.Index.Containing(ctx, l, text, header)
}

// indexedSite serves a site whose index follows when it is told to.
func indexedSite(t testing.TB) (*site, *asked) {
	a := &asked{}
	s := newSite(t, func(o *imapd.Options) {
		a.Index = search.New(search.Options{Store: o.Store, Folder: filepath.Join(t.TempDir(), "search"), DefaultDomain: "lists.example.org",
			Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(panics{t}, nil))})
		o.Search = a
	})
	t.Cleanup(func() { a.Close() })
	return s, a
}

// What the index tells is what the posts themselves tell, for posts that are in it, that are not yet, and that have left.
func TestSearchOfTextByIndexAndByReading(t *testing.T) {
	s, index := indexedSite(t)
	one, two := s.list("one", nil), s.list("two", nil)
	s.join(one, "asha@example.org", store.RoleMember)
	s.join(two, "asha@example.org", store.RoleMember)
	fill := func(round int) {
		for i, body := range []string{
			"the cold chain broke in Pune", "नमस्ते, अस्पताल में टीके हैं", "乙型肝炎疫苗", "I agree.\r\n\r\n> the cold\r\n> chain broke", "café, Straße, naïve", "numbers 12 and 1234",
		} {
			for j, l := range []store.List{one, two} {
				id := fmt.Sprintf("r%d-%d-%d", round, i, j)
				s.post(l, "From: Asha Rao <asha@example.org>\r\nTo: Ravi <ravi@x.example>\r\nSubject: Note "+id+"\r\nMessage-ID: <"+id+
					"@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+body+"\r\n")
			}
		}
	}
	fill(1)
	if err := index.CatchUp(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	fill(2)
	if err := s.store.RemovePost(one.ID, 1); err != nil {
		t.Fatal(err)
	}
	c := s.login("asha@example.org")
	s.serve()
	plain := s.login("asha@example.org")
	numbers := func(answer string) []string {
		line, _, _ := strings.Cut(answer, "\r\n")
		return strings.Fields(strings.TrimPrefix(line, "* SEARCH"))
	}
	for _, mailbox := range []string{"one", "INBOX"} {
		c.do("SELECT " + mailbox).ok()
		plain.do("SELECT " + mailbox).ok()
		for _, query := range []string{"BODY cold", "BODY \"cold chain\"", "TEXT col", "TEXT ravi@x.example", "BODY ravi", "TEXT r1-2", "TEXT note", "SUBJECT note BODY 123", "BODY 12",
			"NOT BODY cold", "OR BODY cold BODY pune", "OR TEXT asha@example.org BODY nothing", "BODY nothing", "BODY cafe BODY strasse", "BODY \"in pune\" TEXT asha", "BODY \"\"", "BODY \"!\"", "TEXT \"chain br\"",
			"TEXT \"he cold\"", "UNSEEN TEXT broke", "3:5 BODY a"} {
			got := numbers(c.do("SEARCH %s", query).text)
			reading := numbers(plain.do("SEARCH %s", query).text)
			if fmt.Sprint(got) != fmt.Sprint(reading) {
				t.Errorf("%s: SEARCH %s finds %v, by reading %v", mailbox, query, got, reading)
			}
		}
	}
	if index.n.Load() == 0 {
		t.Error("the index was not asked")
	}
}
