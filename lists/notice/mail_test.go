package notice

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	hep  = store.List{ID: 1, Name: "heplink", Domain: "lists.example.org", Settings: store.Settings{Title: "HepLink", Language: "hi"}}
)

func rendered(m Mail, own string) []byte {
	if m.Language == "" {
		m.Language = "en"
	}
	if m.To == nil {
		m.To = []store.Address{"asha@example.org"}
	}
	return render(m, own, "lists.example.org", "mail.example.org", noon)
}

// read is a mail as another program reads it.
type read struct {
	mail.Header
	text  string
	parts []string // of a multipart, with their headers, decoded
}

var allowed = []string{"Auto-Submitted", "Content-Language", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version",
	"Precedence", "References", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress", "X-Loop"}

var encodedWord = regexp.MustCompile(`^=\?utf-8\?B\?([A-Za-z0-9+/=]+)\?=$`)

// reads checks what holds for every mail, and reads it.
func reads(t *testing.T, raw []byte) read {
	t.Helper()
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(line) > 78 && strings.Contains(strings.TrimLeft(line[strings.Index(line, ":")+1:], " "), " ") || len(line) > 998 {
			t.Errorf("a line of the header has %d bytes: %s", len(line), line)
		}
		for word := range strings.FieldsSeq(line) {
			if !strings.HasPrefix(word, "=?") {
				continue
			}
			found := encodedWord.FindStringSubmatch(word)
			if found == nil || len(word) > 75 {
				t.Errorf("%s is no encoded word", word)
			} else if b, err := base64.StdEncoding.DecodeString(found[1]); err != nil || !utf8.Valid(b) {
				t.Errorf("%s holds half a character", word)
			}
		}
	}
	if bytes.ContainsFunc(head, func(r rune) bool { return unicode.IsControl(r) && r != '\r' && r != '\n' }) {
		t.Errorf("control characters in the header: %q", head)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		if strings.ContainsAny(line, "\r\n") || len(line) > 998 {
			t.Errorf("a line that SMTP would not take: %.200q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	for name, values := range m.Header {
		if !slices.Contains(allowed, name) || len(values) != 1 {
			t.Errorf("field %s stands %d times in\n%s", name, len(values), head)
		}
	}
	r := read{Header: m.Header}
	if kind, params, _ := mime.ParseMediaType(m.Header.Get("Content-Type")); kind == "multipart/mixed" {
		for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			body := decoded(t, p.Header.Get("Content-Transfer-Encoding"), p)
			if len(r.parts) == 0 {
				r.text = body
			}
			r.parts = append(r.parts, p.Header.Get("Content-Type")+" "+p.Header.Get("Content-Disposition")+"\n"+body)
		}
	} else {
		r.text = decoded(t, m.Header.Get("Content-Transfer-Encoding"), m.Body)
	}
	r.text = archive.Unflow(strings.ReplaceAll(r.text, "\r\n", "\n"), false)
	return r
}

func decoded(t *testing.T, encoding string, body io.Reader) string {
	t.Helper()
	switch encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (r read) field(name string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(r.Get(name))
	if err != nil {
		return err.Error()
	}
	return text
}

func TestEveryMailInEveryLanguage(t *testing.T) {
	l := hep
	l.Title = "हेपलिंक: C, \"B\" & más"
	v := Values{}
	for _, text := range catalog()["en"] {
		for _, p := range placeholder.FindAllString(text, -1) {
			if name := p[1 : len(p)-1]; !slices.Contains(general, name) {
				v[name] = "<" + name + ">"
			}
		}
	}
	for _, lang := range Languages() {
		for name := range catalog()[lang] {
			name, whole := strings.CutPrefix(name, prefix)
			if !whole {
				continue
			}
			text := catalog()[lang][prefix+name]
			r := reads(t, rendered(Mail{Name: name, List: l, Language: lang, Values: v}, ""))
			all := ListValues(l, "lists.example.org")
			for k, x := range v {
				all[k] = x
			}
			subject, body, _ := strings.Cut(text, "\n")
			if got, want := r.field("Subject"), strings.Join(strings.Fields(fill(subject, all)), " "); got != want {
				t.Errorf("%s %s: subject %q, want %q", lang, name, got, want)
			}
			if want := fill(body, all) + "\n"; r.text != want {
				t.Errorf("%s %s: text\n%q, want\n%q", lang, name, r.text, want)
			}
			if strings.Contains(r.text+r.field("Subject"), "{") {
				t.Errorf("%s %s: a placeholder is left: %s", lang, name, r.text)
			}
			from, err := mail.ParseAddress(r.Get("From"))
			if err != nil || from.Name != l.Title || from.Address != "heplink-request@lists.example.org" || r.Get("Content-Language") != lang {
				t.Errorf("%s %s: language %s, from %v, %v", lang, name, r.Get("Content-Language"), from, err)
			}
		}
	}
}

func TestFieldsOfThreading(t *testing.T) {
	for _, c := range []struct {
		mail      Mail
		submitted string
		parent    string
	}{
		{Mail{Name: "answer", InReplyTo: "1@example.org"}, "auto-replied", "<1@example.org>"},
		{Mail{Name: "answer"}, "auto-replied", ""}, // to one without a Message-ID
		{Mail{Name: "confirm"}, "auto-replied", ""},
		{Mail{Name: "welcome"}, "auto-generated", ""},
		{Mail{Name: "held"}, "auto-generated", ""},
		{Mail{Name: "expired", InReplyTo: "1@example.org"}, "auto-replied", "<1@example.org>"},
		{Mail{Name: "ack", InReplyTo: "a b\r\nBcc: x@example.org"}, "auto-replied", ""},
		{Mail{Name: "ack", InReplyTo: strings.Repeat("x", 2000)}, "auto-replied", ""},
		{Mail{Name: "ack", InReplyTo: "1@example.org> <2@example.org"}, "auto-replied", ""},
	} {
		c.mail.List = hep
		r := reads(t, rendered(c.mail, ""))
		if r.Get("Auto-Submitted") != c.submitted || r.Get("In-Reply-To") != c.parent || r.Get("References") != c.parent {
			t.Errorf("%s %.40q: Auto-Submitted %s, In-Reply-To %s, References %s", c.mail.Name, c.mail.InReplyTo, r.Get("Auto-Submitted"), r.Get("In-Reply-To"),
				r.Get("References"))
		}
	}
}

func TestWhoseMailItIs(t *testing.T) {
	r := reads(t, rendered(Mail{Name: "confirm", List: hep, ReplyTo: "heplink-confirm+abc@lists.example.org"}, ""))
	if r.Get("From") != "HepLink <heplink-request@lists.example.org>" || r.Get("To") != "asha@example.org" || r.Get("Reply-To") != "heplink-confirm+abc@lists.example.org" {
		t.Errorf("of a list: %v", r.Header)
	}
	r = reads(t, rendered(Mail{Name: "change"}, ""))
	if r.Get("From") != `"lists.example.org" <listserv@lists.example.org>` || r.Get("Reply-To") != "" {
		t.Errorf("of the site: %v", r.Header)
	}
	r = reads(t, rendered(Mail{Name: "held", List: hep, To: []store.Address{"asha@example.org", "ravi@example.org"}}, ""))
	if r.Get("To") != "heplink-owner@lists.example.org" {
		t.Errorf("moderators learn of each other: %v", r.Header)
	}
}

func TestSubjects(t *testing.T) {
	long := strings.Repeat("हेपेटाइटिस ", 40)
	for subject, want := range map[string]string{
		"Stock of ampoules":                      "Stock of ampoules",
		"হেপাটাইটিস বি":                          "হেপাটাইটিস বি",
		"மருந்து stock வந்தது":                   "மருந்து stock வந்தது",
		"=?utf-8?B?aGk=?= is text":               "=?utf-8?B?aGk=?= is text",
		"one\r\nBcc: evil@example.org":           "one Bcc: evil@example.org",
		"one\n\n<script>":                        "one <script>",
		"tab\tnul\x00escape\x1bdel\x7fnel\u0085": "tab nul escape del nel",
		"half \xe0\xa4 character":                "half \uFFFD character",
		"  many   blanks ":                       "many blanks",
		"👩🏽‍⚕️ nurses":                           "👩🏽‍⚕️ nurses",
		strings.Repeat("w", 290):                 strings.Repeat("w", 290),
		strings.Repeat("w", 5000):                strings.Repeat("w", 300) + "…",
	} {
		if got := reads(t, rendered(Mail{Name: "answer", List: hep, Subject: subject}, "")).field("Subject"); got != want {
			t.Errorf("%q is read as %q, want %q", subject, got, want)
		}
		got := reads(t, rendered(Mail{Name: "held", List: hep, Values: Values{"subject": subject}}, "")).field("Subject")
		if !strings.HasPrefix(got, "Held: "+want[:min(len(want), 250)]) {
			t.Errorf("%q is read as %q in a text", subject, got)
		}
	}
	got := reads(t, rendered(Mail{Name: "held", List: hep, Values: Values{"subject": long}}, "")).field("Subject")
	if !strings.HasPrefix("Held: "+long, strings.TrimSuffix(got, "…")) || !strings.HasSuffix(got, "…") {
		t.Errorf("a long subject is %q", got)
	}
}

// Nothing that strangers choose begins a field of its own, or ends the header.
func TestNoValueMakesAField(t *testing.T) {
	for _, evil := range []string{"x\r\nBcc: victim@example.org", "x\nBcc: victim@example.org", "x\rBcc: victim@example.org", "x\r\n\r\nBcc: body",
		"x\u2028Bcc: victim@example.org", "x\u0085Bcc: victim@example.org", "\r\n.\r\nMAIL FROM:<>", "x\x00\r\n Bcc: folded", `"\r\nBcc: x`, "=?utf-8?Q?=0D=0ABcc:_x?="} {
		l := hep
		l.Title, l.Description = evil, evil
		v, address := Values{}, strings.ReplaceAll(evil, "=?", "")
		for _, p := range placeholder.FindAllString(catalog()["en"]["mail.held"]+catalog()["en"]["mail.join-request"]+catalog()["en"]["mail.confirm"], -1) {
			v[p[1:len(p)-1]] = evil
		}
		for _, name := range []string{"held", "confirm", "join-request", "answer", "rejected", "invite"} {
			for _, own := range []string{"", "{title} " + evil + "\n\n{reason}"} {
				r := reads(t, rendered(Mail{Name: name, List: l, Values: v, To: []store.Address{store.Address(address)}, ReplyTo: address, InReplyTo: evil, Language: "hi",
					Attached: []Attachment{{evil, "application/zip", []byte(evil)}}}, own))
				if len(r.parts) != 2 || r.Get("Bcc") != "" {
					t.Errorf("%q in %s: %d parts, %v", evil, name, len(r.parts), r.Header)
				}
			}
		}
	}
}

func TestAttachments(t *testing.T) {
	post := "From: x@example.org\r\nSubject: =?utf-8?B?4KS5?=\r\nContent-Transfer-Encoding: 8bit\r\n\r\nनमस्ते\r\n--=_sangam_\r\n"
	r := reads(t, rendered(Mail{Name: "held", List: hep, Language: "ur", Values: Values{"subject": "سوال"}, Attached: []Attachment{
		{"post.eml", "message/rfc822", []byte(post)}, {"my \"export\"/../\n.zip", "application/zip", []byte("PK\x00\x01\xff")}}}, ""))
	want := []string{"message/rfc822 attachment; filename=\"post.eml\"\n" + post, "application/zip attachment; filename=\"my--export--..--.zip\"\nPK\x00\x01\xff"}
	if len(r.parts) != 3 || !slices.Equal(r.parts[1:], want) {
		t.Errorf("parts %q", r.parts)
	}
	if r.Get("Content-Transfer-Encoding") != "8bit" || r.field("Subject") != "روکا گیا پیغام: سوال" {
		t.Errorf("header %v", r.Header)
	}
	if r = reads(t, rendered(Mail{Name: "held", List: hep, Attached: []Attachment{{"post.eml", "message/rfc822", []byte("Subject: x\r\n\r\ny\r\n")}}}, "")); r.Get("Content-Transfer-Encoding") != "" {
		t.Error("8bit is said of ASCII")
	}
}

func TestOwnTextIsInTheLanguageOfTheList(t *testing.T) {
	own := "\u0938\u094d\u0935\u093e\u0917\u0924 {member}\r\n\r\n{title}: {text}\r\n\r\n{owner}\r\n"
	r := reads(t, rendered(Mail{Name: "welcome", List: hep, Language: "ta", Values: Values{"member": "asha@example.org"}}, own))
	if r.field("Subject") != "स्वागत asha@example.org" || r.text != "HepLink:\n\nheplink-owner@lists.example.org\n" || r.Get("Content-Language") != "hi" {
		t.Errorf("subject %q, text %q, language %s", r.field("Subject"), r.text, r.Get("Content-Language"))
	}
}

func TestFlow(t *testing.T) {
	words := strings.Repeat("word ", 60) + "end"
	for _, text := range []string{"", "short", "two\n\nparagraphs", words, "> " + words, ">> " + words + "\n> one\nanswer", "  indented " + words,
		"From here\n" + strings.Repeat("x ", 36) + "From there", strings.Repeat("y", 73) + "  two blanks where it breaks", strings.Repeat("y", 72) + "   three",
		strings.Repeat("x ", 37) + "> is no quote", strings.Repeat("x", 3000), "> " + strings.Repeat("x", 3000), ">", ">>>", "> > odd", ">x", "--", "-- ",
		"یہ ایک لمبا جملہ ہے " + strings.Repeat("جو لکھا گیا ", 40), "\u200fحق " + words, "a  b   c", strings.Repeat(" ", 200) + "x", "line \nline  \nline"} {
		var want []string
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimRight(line, " ")
			if rest := strings.TrimLeft(line, ">"); rest != line && rest != "" { // a blank behind the mark says nothing
				line = line[:len(line)-len(rest)] + " " + strings.TrimPrefix(rest, " ")
			}
			want = append(want, line)
		}
		flowed := flow(text)
		if got := archive.Unflow(flowed+"\n", false); got != strings.Join(want, "\n")+"\n" {
			t.Errorf("%q is read as %q", text, got)
		}
		for line := range strings.SplitSeq(flowed, "\n") {
			if utf8.RuneCountInString(line) > 76 && strings.Contains(strings.Trim(line, "> "), " ") {
				t.Errorf("a line of %d characters: %q", utf8.RuneCountInString(line), line)
			}
		}
	}
}

// What the reader of a right-to-left language sees is the same text in the same order; the program adds no marks of its own.
func TestRightToLeft(t *testing.T) {
	r := reads(t, rendered(Mail{Name: "confirm", List: hep, Language: "ur", Values: Values{"what": "SUBSCRIBE heplink", "member": "asha@example.org",
		"commands": "> SUBSCRIBE heplink@lists.example.org آشا راؤ", "link": "https://lists.example.org/c/abc", "until": "2026-12-01"}}, ""))
	for _, want := range []string{"براہ کرم تصدیق کریں: SUBSCRIBE heplink", "\n> SUBSCRIBE heplink@lists.example.org آشا راؤ\n", "\nhttps://lists.example.org/c/abc\n"} {
		if !strings.Contains(r.field("Subject")+"\n"+r.text, want) {
			t.Errorf("%q is not in\n%s\n%s", want, r.field("Subject"), r.text)
		}
	}
	if strings.ContainsAny(r.text, "\u202a\u202b\u202c\u202d\u202e\u200e\u200f") {
		t.Error("marks of direction")
	}
}

func TestVeryLongValues(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, v := range []string{long, strings.Repeat("क", 5000), "> " + long, strings.Repeat("long ", 2000)} {
		r := reads(t, rendered(Mail{Name: "answer", List: hep, Values: Values{"answers": v}}, ""))
		if !strings.Contains(r.text, strings.TrimSpace(v)) {
			t.Errorf("%.20q is not read back", v)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("HepLink", "Stock", "1@example.org", "asha@example.org", "> SUBSCRIBE x\nFrom y", "post.eml", "", uint8(0))
	f.Add("हेप \"x\"\r\nA: b", "=?utf-8?Q?x?=", "a b>", "a@b\r\nBcc: c", strings.Repeat("w", 1200), "a\r\n/b", "{title}\r\n\r\n{answers} {x}", uint8(3))
	f.Fuzz(func(t *testing.T, title, subject, id, address, value, filename, own string, lang uint8) {
		languages := Languages()
		l := hep
		l.Title, l.Description = title, value
		raw := rendered(Mail{Name: "answer", List: l, To: []store.Address{store.Address(address)}, Language: languages[int(lang)%len(languages)], ReplyTo: address, InReplyTo: id,
			Subject: subject, Values: Values{"answers": value}, Attached: []Attachment{{filename, "application/zip", []byte(value)}}}, own)
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			if !strings.HasPrefix(line, " ") && !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) }) {
				t.Fatalf("a field %q", line)
			}
		}
		if strings.Count(strings.ReplaceAll(string(raw), "\r\n", ""), "\n")+strings.Count(strings.ReplaceAll(string(raw), "\r\n", ""), "\r") > 0 {
			t.Fatalf("a line that ends in half a CRLF: %q", raw)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts, n := multipart.NewReader(m.Body, params["boundary"]), 0
		for ; ; n++ {
			if _, err := parts.NextRawPart(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n != 2 {
			t.Fatalf("%d parts", n)
		}
	})
}
