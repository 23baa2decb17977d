package digest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

var update = flag.Bool("update", false, "rewrite the golden files; read them before committing")

func newIssue(raws ...[]byte) issue {
	l := store.List{ID: 1, Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()}
	l.Title = "HepLink"
	link := func(e entry, a archive.Attachment) string {
		return fmt.Sprintf("https://lists.example.org/heplink/%d/%d/%s?key=x", e.Number, a.K, a.Filename)
	}
	i := issue{list: l, site: post.Site{Hostname: "mx.example.org", WebURL: "https://lists.example.org", DefaultDomain: "lists.example.org"}, number: 7,
		date: time.Date(2026, 11, 24, 6, 0, 0, 0, time.FixedZone("IST", 5*3600+1800)), messageID: "<digest-7@lists.example.org>", link: link}
	for n, raw := range raws {
		h := archive.ParseHeader(raw)
		e := entry{raw: raw}
		e.Number, e.Subject, e.From = uint64(41+n), h.Text("Subject"), h.Text("From")
		if m := h.Mailboxes("From"); len(m) > 0 && m[0].Name != "" {
			e.From = m[0].Name
		}
		e.Date = time.Date(2026, 11, 23, 20, n, 0, 0, time.UTC)
		i.entries = append(i.entries, e)
	}
	return i
}

func samples(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	var raws [][]byte
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, archive.CRLF(raw))
	}
	return raws
}

// Golden files have LF, and beside each message of text is what a reader sees of it.
func TestGolden(t *testing.T) {
	i := newIssue(samples(t)...)
	read := func(raw []byte) []byte { return []byte(archive.Read(raw).Text) }
	for name, got := range map[string][]byte{"mime.want": i.mime(), "text.want": i.text(), "text.read": read(i.text()),
		"index.want": i.index(), "index.read": read(i.index())} {
		file := filepath.Join("testdata", name)
		got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%s", file, got)
		}
	}
}

// enclosed are the posts of a MIME digest as the standard library finds them: a reader that is not ours.
func enclosed(t testing.TB, raw []byte) [][]byte {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v:\n%.2000q", err, raw)
	}
	open := func(contentType, want string, body io.Reader) *multipart.Reader {
		got, params, err := mime.ParseMediaType(contentType)
		if err != nil || got != want {
			t.Fatalf("%q is not %s: %v", contentType, want, err)
		}
		return multipart.NewReader(body, params["boundary"])
	}
	mixed := open(m.Header.Get("Content-Type"), "multipart/mixed", m.Body)
	if front, err := mixed.NextRawPart(); err != nil || !strings.HasPrefix(front.Header.Get("Content-Type"), "text/plain;") {
		t.Fatal("no contents", err)
	}
	second, err := mixed.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	var posts [][]byte
	inner := open(second.Header.Get("Content-Type"), "multipart/digest", second)
	for {
		p, err := inner.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		post, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		high := bytes.ContainsFunc(post, func(r rune) bool { return r > 0x7f })
		for _, get := range []func(string) string{p.Header.Get, second.Header.Get, m.Header.Get} {
			if high && get("Content-Transfer-Encoding") != "8bit" {
				t.Error("8-bit bytes in a part that does not declare them")
			}
		}
		posts = append(posts, post)
	}
	if _, err := mixed.NextRawPart(); err != io.EOF {
		t.Error("something follows the posts:", err)
	}
	return posts
}

func TestPostsStayAsTheyAre(t *testing.T) {
	raws := append(samples(t), []byte(""), []byte("\r\n"), []byte("Subject: header only\r\n"), []byte("Subject: no line end\r\n\r\nx"),
		[]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nnever closed"), []byte("Subject: latin\r\n\r\n\xe9t\xe9\r\n"))
	raws = append(raws, newIssue(raws...).mime()) // a digest in a digest
	posts := enclosed(t, newIssue(raws...).mime())
	if len(posts) != len(raws) {
		t.Fatalf("%d posts, want %d", len(posts), len(raws))
	}
	for n := range raws {
		if !bytes.Equal(posts[n], raws[n]) {
			t.Errorf("post %d is\n%q, was\n%q", n, posts[n], raws[n])
		}
	}
}

// Whole posts are the same to our own parser too.
func TestParsed(t *testing.T) {
	raws := samples(t)
	raw := newIssue(raws...).mime()
	parts := archive.Parse(raw).Parts[1].Parts
	if len(parts) != len(raws) {
		t.Fatalf("%d posts, want %d", len(parts), len(raws))
	}
	for n, p := range parts {
		if got := raw[p.BodyStart:p.End]; !bytes.Equal(got, raws[n]) {
			t.Errorf("post %d is\n%q, was\n%q", n, got, raws[n])
		}
	}
}

// Who wants links gets them in place of attachments, and posts without attachments as they are.
func TestLinks(t *testing.T) {
	raws := samples(t)
	i := newIssue(raws...)
	i.links = true
	posts := enclosed(t, i.mime())
	for n, raw := range raws {
		attachments := archive.Read(raw).Attachments
		text := archive.Read(posts[n]).Text
		switch {
		case len(attachments) == 0 && !bytes.Equal(posts[n], raw):
			t.Errorf("post %d has no attachments and changed", n)
		case len(attachments) > 0 && (len(archive.Read(posts[n]).Attachments) > 0 || !strings.Contains(text, i.link(i.entries[n], attachments[0]))):
			t.Errorf("post %d has attachments or no link:\n%s", n, text)
		}
	}
	i.list.Archive = "off"
	if posts := enclosed(t, i.mime()); !bytes.Equal(posts[1], raws[1]) {
		t.Error("linked without an archive")
	}
}

func TestSevenBit(t *testing.T) {
	i := newIssue([]byte("Subject: plain\r\n\r\nascii\r\n"))
	for _, raw := range [][]byte{i.mime(), i.text(), i.index()} {
		if bytes.Contains(raw, []byte("8bit")) || bytes.Contains(raw, []byte("quoted-printable")) {
			t.Errorf("encoded without need:\n%s", raw)
		}
	}
}

// What no mail may contain is repaired, and reads the same.
func TestUnfitPosts(t *testing.T) {
	x, words := strings.Repeat("x", 5000), strings.Repeat("word ", 1000)
	hindi := strings.Repeat("जाँच", 800)
	for _, c := range []struct{ name, in, subject, text string }{
		{"bare LF", "Subject: a\n\nb\nc\n", "a", "b\nc"},
		{"bare CR", "Subject: a\rBcc: d\r\n\r\nb\rc\r\n", "a Bcc: d", "b c"},
		{"CR CR LF", "Subject: a\r\n\r\nb\r\r\nc\r\n", "a", "b \nc"},
		{"NUL", "Subject: a\x00b\r\n\r\nc\x00d\r\n", "a b", "c d"},
		{"NUL between CR and LF", "Subject: a\r\x00\nBcc: d\r\n\r\nc\r\n", "a", "c"},
		{"long field", "Subject: " + words + "\r\n\r\nb\r\n", strings.TrimSpace(words), "b"},
		{"long field of one word", "Subject: " + x + "\r\n\r\nb\r\n",
			strings.Join([]string{x[:997], x[:997], x[:997], x[:997], x[:997], x[:15]}, " "), "b"},
		{"long field of blanks", "Subject: a" + strings.Repeat(" ", 5000) + "\r\n\r\nb\r\n", "a", "b"},
		{"long continuation of blanks", "Subject: a\r\n" + strings.Repeat("\t", 5000) + "\r\n b\r\n\r\nc\r\n", "a  b", "c"},
		{"long words", "Subject: a\r\n\r\n" + words + "\r\n", "a", strings.TrimSpace(words)},
		{"long word", "Subject: a\r\n\r\n" + x + "\r\n", "a", x},
		{"long and without blanks", "Content-Type: text/plain; charset=utf-8\r\nSubject: a\r\n\r\n" + hindi + "\r\n", "a", hindi},
		{"long and quoted", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nSubject: a\r\n\r\n" +
			strings.Repeat("=E0=A4=9C", 500) + "\r\nb\r\n", "a", strings.Repeat("ज", 500) + "\nb"},
		{"long in a part", "Content-Type: multipart/mixed; boundary=p\r\nSubject: a\r\n\r\n--p\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
			strings.Repeat("=41", 1000) + "\r\n--p\r\nX-Long: " + x + "\r\n\r\nb\r\n--p--\r\n", "a", strings.Repeat("A", 1000) + "\n\nb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			posts := enclosed(t, newIssue([]byte(c.in), []byte("Subject: next\r\n\r\ny\r\n")).mime())
			if len(posts) != 2 || !bytes.Equal(posts[1], []byte("Subject: next\r\n\r\ny\r\n")) {
				t.Fatalf("%d posts", len(posts))
			}
			fit(t, posts[0])
			subject := archive.ParseHeader(posts[0]).Text("Subject")
			if subject != c.subject {
				t.Errorf("subject %q, want %q", subject, c.subject)
			}
			text, want := strings.TrimSpace(archive.Read(posts[0]).Text), c.text
			if strings.HasPrefix(c.name, "long") { // where it was broken does not matter
				if !strings.Contains(c.name, "quoted") && !strings.Contains(c.name, "part") {
					text = strings.ReplaceAll(text, "\n", "")
				}
			}
			if text != want {
				t.Errorf("text %.300q, want %.300q", text, want)
			}
		})
	}
}

// fit tells of what RFC 5322 does not allow.
func fit(t testing.TB, raw []byte) {
	t.Helper()
	for line := range bytes.Lines(raw) {
		text := bytes.TrimSuffix(line, []byte("\r\n"))
		if len(text) > 998 || bytes.ContainsAny(text, "\r\n\x00") {
			t.Errorf("unfit line of %d bytes: %.100q", len(text), line)
		}
	}
}

// Fields of the header that an issue has, in order.
const fieldNames = "From Reply-To To Subject Date Message-ID List-Id List-Post List-Help List-Subscribe List-Owner List-Archive Precedence Auto-Submitted " +
	"Content-Language MIME-Version Content-Type"

// checkHeader finds fields that were put in from outside.
func checkHeader(t testing.TB, raw []byte) {
	t.Helper()
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var names []string
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(line) > 78 && strings.Contains(strings.TrimLeft(line, " "), " ") && !strings.Contains(line, strings.Repeat("long", 100)) {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
		if !strings.HasPrefix(line, " ") {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
	}
	want := fieldNames
	if !slices.Contains(names, "Reply-To") { // an answer to an index is a command
		want = strings.Replace(want, "Reply-To ", "", 1)
	}
	if got := strings.TrimSuffix(strings.Join(names, " "), " Content-Transfer-Encoding"); got != want {
		t.Errorf("fields %s, want %s", got, want)
	}
}

func TestInjection(t *testing.T) {
	evil := "x\r\nBcc: victim@example.org\r\n\r\n" + strings.Repeat("-", 30) + "\n\nSubject: y\u0085z\x00\xff"
	i := newIssue(samples(t)...)
	i.list.Title = evil
	i.messageID, i.list.Description = "<a\r\nBcc: b@c>", evil
	for n := range i.entries {
		i.entries[n].Subject, i.entries[n].From = evil, evil
	}
	for _, raw := range [][]byte{i.mime(), i.text(), i.index()} {
		checkHeader(t, raw)
		fit(t, raw)
		text := archive.Read(raw).Text
		if bytes.Contains(raw, []byte("multipart/mixed")) {
			text = archive.Parse(raw).Parts[0].DecodeText(raw, 0)
		}
		if strings.Contains(text, "\nBcc:") || strings.Contains(text, "\n"+strings.Repeat("-", 30)+"\n\nSubject: y") {
			t.Errorf("injected:\n%s", text)
		}
	}
}

func TestSubjects(t *testing.T) {
	for _, title := range []string{"HepLink", "हेपलिंक — जाँच और इलाज का साझा अनुभव, सब राज्यों के लिए", "=?utf-8?Q?odd?=", strings.Repeat("long", 100),
		strings.Repeat("many words ", 40), "Ünder one", " "} {
		i := newIssue(samples(t)...)
		i.list.Title = title
		for _, raw := range [][]byte{i.mime(), i.text()} {
			checkHeader(t, raw)
			want := strings.TrimSpace(strings.TrimSpace(title) + ": digest 7")
			if got := archive.ParseHeader(raw).Text("Subject"); got != want {
				t.Errorf("subject %q, want %q", got, want)
			}
		}
	}
}

// split takes a text digest apart as RFC 1153 says.
func split(text string) (preamble string, posts []string, trailer string) {
	preamble, rest, _ := strings.Cut(text, "\n"+strings.Repeat("-", 70)+"\n\n")
	parts := strings.Split("\n"+rest, "\n"+strings.Repeat("-", 30)+"\n\n")
	for n, p := range parts[1:] {
		parts[n+1] = "\n" + p // the line end before the next line of hyphens
	}
	return preamble, parts[:len(parts)-1], strings.TrimPrefix(parts[len(parts)-1], "\n")
}

func TestTextComesApart(t *testing.T) {
	raws := append(samples(t), []byte("Subject: header only\r\n"))
	preamble, posts, trailer := split(archive.Read(newIssue(raws...).text()).Text)
	if len(posts) != len(raws) || !strings.HasPrefix(preamble, "Digest 7 of HepLink") {
		t.Fatalf("%d posts behind %q", len(posts), preamble)
	}
	if want := "End of HepLink Digest 7\n***********************\n"; trailer != want {
		t.Errorf("trailer %q, want %q", trailer, want)
	}
	for n, raw := range raws {
		if got, want := archive.ParseHeader([]byte(strings.TrimLeft(posts[n], "\n"))).Get("Subject"), archive.ParseHeader(raw).Text("Subject"); got != want {
			t.Errorf("subject %q, want %q", got, want)
		}
	}
}

func TestLongLinesTakeLinearTime(t *testing.T) { // time of one long line must not grow with its square
	raw := []byte("Subject: " + strings.Repeat("y", 8<<20) + "\r\n\r\n" + strings.Repeat("z", 8<<20))
	start := time.Now()
	fit(t, newIssue(raw).mime())
	if d := time.Since(start); d > 20*time.Second {
		t.Error(d)
	}
}

func FuzzIssue(f *testing.F) {
	raws := samples(f)
	for n := range raws {
		f.Add(raws[n], raws[(n+1)%len(raws)])
	}
	f.Add([]byte("Subject: a\r\n\r\nb"), []byte("--x\r\n\x00\r\r\n"+strings.Repeat("a", 1200)))
	f.Add([]byte(""), []byte("Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=p\r\n\r\n--p\r\n\r\na\r\n--p\r\n"), []byte("A: b\r\n"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		i := newIssue(first, second)
		raw := i.mime()
		fit(t, raw)
		checkHeader(t, raw)
		if !bytes.Equal(raw, i.mime()) {
			t.Error("not the same again")
		}
		posts := enclosed(t, raw)
		if len(posts) != 2 {
			t.Fatalf("%d posts", len(posts))
		}
		for n, post := range posts {
			fit(t, post)
			if isClean(i.entries[n].raw) && !bytes.Equal(post, i.entries[n].raw) {
				t.Errorf("post %d is %q, was %q", n, post, i.entries[n].raw)
			}
		}
		checkTree(t, raw, first, second)
		for _, raw := range [][]byte{i.text(), i.index()} {
			fit(t, raw)
			checkHeader(t, raw)
		}
		if _, posts, _ := split(archive.Read(i.text()).Text); len(posts) != 2 {
			t.Errorf("%d posts in the text", len(posts))
		}
	})
}

func isClean(raw []byte) bool {
	for line := range bytes.Lines(raw) {
		text := bytes.TrimSuffix(line, []byte("\r\n"))
		if len(text) > 998 || bytes.ContainsAny(text, "\r\n\x00") {
			return false
		}
	}
	return true
}

// checkTree is what our own parser sees of the digest. It counts parts over the whole, so posts with many are left to the standard library. And
// where a post ends within a header, or in a multipart that is not closed, it takes the line break before our boundary for one of the post.
func checkTree(t *testing.T, raw, first, second []byte) {
	for _, post := range [][]byte{first, second} {
		if bytes.Count(post, []byte("--"))+bytes.Count(bytes.ToLower(post), []byte("message/")) > 40 {
			return
		}
	}
	root := archive.Parse(raw)
	if root.MediaType() != "multipart/mixed" || len(root.Parts) != 2 || root.Parts[1].MediaType() != "multipart/digest" || len(root.Parts[1].Parts) != 2 {
		t.Fatalf("%s of %d parts", root.MediaType(), len(root.Parts))
	}
	for n, post := range [][]byte{first, second} {
		part := root.Parts[1].Parts[n]
		if part.MediaType() != "message/rfc822" {
			t.Errorf("part %d is %s", n, part.MediaType())
		}
		got := raw[part.BodyStart:part.End]
		if isClean(post) && !bytes.Equal(got, post) && !bytes.Equal(got, append(post[:len(post):len(post)], "\r\n"...)) {
			t.Errorf("part %d is %q, was %q", n, got, post)
		}
	}
}
