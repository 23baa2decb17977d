package post_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

var update = flag.Bool("update", false, "rewrite the golden files; read them before committing")

var (
	now  = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	site = post.Site{Hostname: "mail.example.org", WebURL: "https://lists.example.org", DefaultDomain: "lists.example.org"}
)

// setup of a case: list.toml.
type setup struct {
	Settings map[string]any
	Sender   string   // envelope sender; asha@example.org when absent
	Members  []string // of those in From; all of them when absent
	Role     string
	Approved int
	Seen     string // duplicate | conflict
}

func newList(t testing.TB, settings map[string]any) store.List {
	t.Helper()
	l := store.List{ID: 1, Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()}
	l.Title = "HepLink"
	for k, v := range settings {
		if err := l.Set(k, fmt.Sprint(v)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func load(t *testing.T, dir string) *post.Post {
	t.Helper()
	s := setup{Sender: "asha@example.org", Role: "member", Approved: 1, Members: []string{"all"}}
	if _, err := toml.DecodeFile(filepath.Join(dir, "list.toml"), &s); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "in.eml"))
	if err != nil {
		t.Fatal(err)
	}
	p := post.New(newList(t, s.Settings), store.Address(s.Sender), raw, now)
	for _, a := range p.Authors() {
		if len(s.Members) > 0 && (s.Members[0] == "all" || s.Members[0] == string(a)) {
			p.Members = append(p.Members, store.Member{Address: a, Role: store.Role(s.Role), Approved: s.Approved})
		}
	}
	p.Seen = map[string]error{"duplicate": store.ErrDuplicate, "conflict": store.ErrConflict}[s.Seen]
	return p
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", file, got)
	}
}

// Every folder of testdata is a case: in.eml, perhaps list.toml, want.verdict, and want.eml for a post that is distributed.
// Golden files have LF.
func TestCases(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/in.eml")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases", err)
	}
	for _, in := range dirs {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p := load(t, dir)
			v := post.Judge(p)
			text := string(v.Action) + "\n" + strings.Join(v.Reasons, "\n") + "\n"
			if v.Refusal != nil {
				text += fmt.Sprintf("%d %d.%d.%d\n", v.Refusal.Code, v.Refusal.Enhanced[0], v.Refusal.Enhanced[1], v.Refusal.Enhanced[2])
			}
			golden(t, filepath.Join(dir, "want.verdict"), []byte(text))
			if v.Action == post.Accepted {
				out := post.Transform(site, p, 42)
				golden(t, filepath.Join(dir, "want.eml"), bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n")))
			}
		})
	}
}

func TestSubjectPrefix(t *testing.T) {
	for _, c := range []struct{ prefix, in, want string }{
		{"[{name}] ", "Stock of ampoules", "[heplink] Stock of ampoules"},
		{"[{name}] ", "Re: Stock", "Re: [heplink] Stock"},
		{"[{name}] ", "Re: AW: Fwd: Stock", "Re: AW: Fwd: [heplink] Stock"},
		{"[{name}] ", "Re[2]: Stock", "Re[2]: [heplink] Stock"},
		{"[{name}] ", "Re: [heplink] Stock", "Re: [heplink] Stock"},
		{"[{name}] ", "Re: [HepLink]  Stock", "Re: [HepLink]  Stock"},
		{"[{name}] ", "[heplink] Re: [heplink] Stock", "Re: [heplink] Stock"},
		{"[{name}] ", "=?utf-8?B?5Zue5aSNOiDlupPlrZg=?=", "回复: [heplink] 库存"},
		{"[{name}] ", "Re: =?iso-8859-1?Q?M=E9decins?=", "Re: [heplink] Médecins"},
		{"[{name}] ", "=?utf-8?Q?Re=3A_=5Bheplink=5D_M=C3=A9decins?=", "Re: [heplink] Médecins"},
		{"[{name}] ", "", "[heplink]"},
		{"", "Re: Stock", "Re: Stock"},
		{"[{name} {number}] ", "Re: [heplink 7] Stock", "Re: [heplink 42] Stock"},
		{"[{name} {number}] ", "Stock", "[heplink 42] Stock"},
		{"[यकृत] ", "Re: Stock", "Re: [यकृत] Stock"},
		{"[{name}] ", "Request: more ampoules", "[heplink] Request: more ampoules"},
		{"[{name}] ", strings.Repeat("a long subject ", 20) + "end", "[heplink] " + strings.Repeat("a long subject ", 20) + "end"},
	} {
		raw := "From: Asha <asha@example.org>\r\nSubject: " + c.in + "\r\n\r\ntext\r\n"
		p := post.New(newList(t, map[string]any{"subject_prefix": c.prefix}), "asha@example.org", []byte(raw), now)
		h := archive.ParseHeader(post.Transform(site, p, 42))
		if got := h.Text("Subject"); got != c.want || len(h.Values("Subject")) != 1 {
			t.Errorf("%q with %q becomes %q, want %q", c.in, c.prefix, got, c.want)
		}
	}
}

func TestNothingToAddChangesNoBody(t *testing.T) {
	body := "line\r\n.\r\n  spaces  \r\n\xff\xfe odd bytes\r\nno end"
	raw := "From: Asha <asha@example.org>\r\nX-Odd:\tkept  as it is\r\nMessage-ID: <a@b>\r\n\r\n" + body
	p := post.New(newList(t, nil), "asha@example.org", []byte(raw), now)
	out := string(post.Transform(site, p, 1))
	if !strings.HasSuffix(out, "\r\n\r\n"+body+"\r\n") || !strings.Contains(out, "X-Odd:\tkept  as it is\r\nMessage-ID: <a@b>\r\n") {
		t.Errorf("became %q", out)
	}
}

// The texts of a list must not be able to make header fields.
func TestListTextsMakeNoFields(t *testing.T) {
	l := newList(t, nil)
	l.Title, l.SubjectPrefix = "Title\r\nBcc: all@example.org\r\n", "[x]\r\nBcc: all@example.org "
	p := post.New(l, "asha@example.org", []byte("From: a@b.org\r\nSubject: =?utf-8?Q?x=0D=0ABcc:_c@d.org?=\r\n\r\ntext\r\n"), now)
	if h := archive.ParseHeader(post.Transform(site, p, 1)); h.Has("Bcc") {
		t.Errorf("a field was made: %v", h.Values("Bcc"))
	}
}

// What comes back through another list, which puts its own prefix and fields on it, does not collect ours.
func TestTwiceIsOnce(t *testing.T) {
	l := newList(t, map[string]any{"reply_to": "list"})
	raw := []byte("From: Asha <asha@example.org>\r\nSubject: Re: =?utf-8?Q?M=C3=A9decins?=\r\nMessage-ID: <a@b>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0530\r\n\r\ntext\r\n")
	once := post.Transform(site, post.New(l, "asha@example.org", raw, now), 1)
	if twice := post.Transform(site, post.New(l, "asha@example.org", once, now), 1); !bytes.Equal(once, twice) {
		t.Errorf("once:\n%s\ntwice:\n%s", once, twice)
	}
}

// leaves are the media types of a message's parts in order.
func leaves(p *archive.Part) (types []string) {
	if len(p.Parts) == 0 {
		return []string{p.MediaType()}
	}
	for _, sub := range p.Parts {
		types = append(types, leaves(sub)...)
	}
	return types
}

func hasLongLine(raw []byte) bool {
	return slices.ContainsFunc(bytes.Split(raw, []byte("\n")), func(line []byte) bool { return len(line) > 998 })
}

func FuzzTransform(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/in.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	l := newList(f, map[string]any{"header": "Head", "footer": "Foot ü", "reply_to": "list"})
	plain := newList(f, map[string]any{"subject_prefix": ""})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := post.New(l, "asha@example.org", raw, now)
		post.Judge(p)
		out := post.Transform(site, p, 1)
		h, subject := archive.ParseHeader(out), p.Header.Text("Subject")
		if n := len(h.Values("List-Id")); n != 1 {
			t.Errorf("%d List-Id fields in %q", n, out)
		}
		if got := h.Text("Subject"); !strings.Contains(strings.ToLower(got), "[heplink]") || len(got) < len(strings.TrimSpace(subject)) && !strings.Contains(subject, "[") {
			t.Errorf("subject %q became %q", subject, got)
		}
		p.List = plain
		bare := post.Transform(site, p, 1)
		root := archive.Parse(p.Raw)
		if !hasLongLine(p.Raw) && !bytes.HasSuffix(bare, p.Raw[root.BodyStart:]) {
			t.Errorf("the body changed: %q became %q", p.Raw, bare)
		}
		before, after := leaves(archive.Parse(bare)), leaves(archive.Parse(out))
		if len(after) == len(before)+2 {
			after = after[1 : len(after)-1]
		}
		if !slices.Equal(before, after) {
			t.Errorf("parts %v became %v: %q became %q", before, after, p.Raw, out)
		}
	})
}

func BenchmarkTransform(b *testing.B) {
	raw := []byte("From: Asha <asha@example.org>\r\nTo: heplink@lists.example.org\r\nSubject: Stock\r\nMessage-ID: <a@b>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
		strings.Repeat("some words of a post, and some more\r\n", 190))
	l := newList(b, map[string]any{"footer": "A footer of the list"})
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		p := post.New(l, "asha@example.org", raw, now)
		post.Judge(p)
		post.Transform(site, p, 1)
	}
}
