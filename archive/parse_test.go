package archive

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// outline writes the tree as type(children) with the bodies of leaves.
func outline(raw []byte, p *Part) string {
	switch {
	case p.Message != nil:
		return p.MediaType() + "[" + outline(raw, p.Message) + "]"
	case p.Leaf():
		return fmt.Sprintf("%s%q", p.MediaType(), raw[p.BodyStart:p.End])
	}
	var parts []string
	for _, c := range p.Parts {
		parts = append(parts, outline(raw, c))
	}
	return p.Subtype + "(" + strings.Join(parts, " ") + ")"
}

func TestParse(t *testing.T) {
	const multi = "Content-Type: multipart/mixed; boundary=b\n\n"
	tests := map[string]struct{ in, want string }{
		"plain":               {"Subject: x\n\nhello\n", `text/plain"hello\n"`},
		"no body":             {"Subject: x\n", `text/plain""`},
		"no header":           {"hello\nworld\n", `text/plain"hello\nworld\n"`},
		"empty":               {"", `text/plain""`},
		"two parts":           {multi + "pre\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\nepilogue\n", `mixed(text/plain"one" text/html"two")`},
		"not closed":          {multi + "--b\n\none\n--b\n\ntwo", `mixed(text/plain"one" text/plain"two")`},
		"last one not closed": {multi + "--b\n\none\n--b\n", `mixed(text/plain"one")`},
		"no parts":            {multi + "nothing\n", `text/plain"nothing\n"`},
		"only closed":         {multi + "pre\n--b--\n", `text/plain"pre\n--b--\n"`},
		"no boundary":         {"Content-Type: multipart/mixed\n\n--b\n\none\n", `text/plain"--b\n\none\n"`},
		"blanks behind":       {multi + "--b \t\n\none\n--b-- \n", `mixed(text/plain"one")`},
		"similar boundary":    {multi + "--b\n\n--bc\n--b-\n--b--\n", `mixed(text/plain"--bc\n--b-")`},
		"header only part":    {multi + "--b\nContent-Type: text/html\n--b\n\ntwo\n--b--\n", `mixed(text/html"" text/plain"two")`},
		"part without header": {multi + "--b\nhello there\n--b--\n", `mixed(text/plain"hello there")`},
		"empty part":          {multi + "--b\n\n--b--\n", `mixed(text/plain"")`},
		"nested": {multi + "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--c\nContent-Type: text/html\n\ntwo\n--c--\n--b\n\nthree\n--b--\n",
			`mixed(alternative(text/plain"one" text/html"two") text/plain"three")`},
		"inner not closed": {multi + "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n",
			`mixed(alternative(text/plain"one") text/plain"two")`},
		"same boundary twice": {multi + "--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
			`mixed(alternative(text/plain"one") text/plain"two")`},
		"message": {multi + "--b\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--c--\n--b--\n",
			`mixed(message/rfc822[mixed(text/plain"one")])`},
		"message in base64": {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3Vi\n", `message/rfc822"U3Vi\n"`},
		"digest":            {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\none\n--b--\n", `digest(message/rfc822[text/plain"one"])`},
		"broken type":       {"Content-Type: text\n\none", `text/plain"one"`},
		"quoted type":       {"Content-Type: \"text/html\"; charset=x\n\none", `text/html"one"`},
		"From line on top":  {"From asha Tue Nov 24 10:00:00 2026\nContent-Type: text/html\n\none", `text/html"one"`},
	}
	for name, tt := range tests {
		for _, eol := range []string{"\n", "\r\n"} {
			raw := []byte(strings.ReplaceAll(tt.in, "\n", eol))
			want := strings.ReplaceAll(tt.want, `\n`, strings.Trim(fmt.Sprintf("%q", eol), `"`))
			root := Parse(raw)
			if got := outline(raw, root); got != want {
				t.Errorf("%s with %q:\ngot  %s\nwant %s", name, eol, got, want)
			}
			if root.End != len(raw) {
				t.Errorf("%s with %q: the body ends at %d of %d", name, eol, root.End, len(raw))
			}
			checkTree(t, raw, root)
		}
	}
}

func TestFind(t *testing.T) {
	raw := []byte("Content-Type: multipart/mixed; boundary=b\n\n" +
		"--b\n\none\n" +
		"--b\nContent-Type: message/rfc822\n\nSubject: in\n\ntwo\n" +
		"--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nthree\n--c\n\nfour\n--c--\n" +
		"--b\nContent-Type: multipart/mixed; boundary=d\n\n--d\n\nfive\n--d--\n--b--\n")
	root := Parse(raw)
	tests := map[string]struct {
		path []int
		want string
	}{
		"the message":            {nil, string(raw[root.BodyStart:])},
		"first":                  {[]int{1}, "one"},
		"message part":           {[]int{2}, "Subject: in\n\ntwo"},
		"its only part":          {[]int{2, 1}, "two"},
		"multipart in a message": {[]int{3, 2}, "four"},
		"multipart":              {[]int{4, 1}, "five"},
		"beyond":                 {[]int{5}, ""},
		"zero":                   {[]int{0}, ""},
		"part of a leaf":         {[]int{1, 1}, ""},
		"second of one":          {[]int{2, 2}, ""},
		"too deep":               {[]int{2, 1, 1}, ""},
		"huge":                   {[]int{1 << 30}, ""},
	}
	for name, tt := range tests {
		got := ""
		if p := root.Find(tt.path); p != nil {
			got = string(raw[p.BodyStart:p.End])
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	one := Parse([]byte("Subject: x\n\nhello"))
	if one.Find([]int{1}) != one || one.Find([]int{1, 1}) != nil || one.Find([]int{2}) != nil {
		t.Error("sections of a message with one part are wrong")
	}
}

// checkTree asserts what other packages rely on: offsets nest and follow each other, bounds hold, a multipart has a part.
func checkTree(t testing.TB, raw []byte, root *Part) {
	t.Helper()
	count := 0
	var check func(p *Part, from, to, depth int)
	check = func(p *Part, from, to, depth int) {
		count++
		if p.Start < from || p.BodyStart < p.Start || p.End < p.BodyStart || p.End > to {
			t.Fatalf("part %d-%d-%d is not within %d-%d of %q", p.Start, p.BodyStart, p.End, from, to, raw)
		}
		if depth > maxDepth+1 {
			t.Fatal("too deep")
		}
		if !isToken(p.Type) || !isToken(p.Subtype) || p.Type == "multipart" && len(p.Parts) == 0 {
			t.Fatalf("bad type %q/%q with %d parts", p.Type, p.Subtype, len(p.Parts))
		}
		from = p.BodyStart
		for _, c := range p.Parts {
			check(c, from, p.End, depth+1)
			from = c.End
		}
		if p.Message != nil {
			check(p.Message, p.BodyStart, p.End, depth+1)
		}
	}
	check(root, 0, len(raw), 0)
	if count > maxParts+maxDepth {
		t.Fatalf("%d parts", count)
	}
}

func TestParseBombs(t *testing.T) {
	const size = 3 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var levels, longHeaders strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&levels, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		fmt.Fprintf(&longHeaders, "X-%d: y\n", i)
	}
	tests := map[string]string{
		"levels":             levels.String() + fill("--x\n"),
		"messages":           strings.Repeat("Content-Type: message/rfc822\n\n", 2000) + fill("x\n"),
		"parts":              "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--b\n\n"),
		"almost boundaries":  levels.String() + fill("--b49 x\n"),
		"header":             fill("a: b\n"),
		"folds":              "Subject: " + fill("=?utf-8?Q?x\n "),
		"words":              "Subject: " + fill("=?utf-8?Q?x?= "),
		"word starts":        "Subject: " + fill("=?"),
		"addresses":          "To: " + fill("a@b,"),
		"brackets":           "References: " + fill("<"),
		"open comments":      "Date: " + fill("("),
		"comments of Cc":     "Cc: " + fill("a("),
		"quotes":             "From: " + fill(`"\`),
		"parameters":         "Content-Type: text/plain" + fill("; a*1*=%41"),
		"base64 padding":     "Content-Transfer-Encoding: base64\n\n" + fill("=A"),
		"soft line breaks":   "Content-Transfer-Encoding: quoted-printable\n\n" + fill("=\n"),
		"tags":               "Content-Type: text/html\n\n" + fill("<blockquote>"),
		"open tag":           "Content-Type: text/html\n\n<a " + fill("a=b "),
		"flowed":             "Content-Type: text/plain; format=flowed\n\n" + fill("> "),
		"dashes in a header": longHeaders.String() + fill("--b\n"),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			raw := []byte(in)
			start := time.Now()
			checkTree(t, raw, Parse(raw))
			d := Describe(raw, time.Unix(1e9, 0))
			Unflow(Read(raw).Text, true)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if n := len(d.Post.Envelope) + len(d.Post.Structure); n > 2*(maxEnvelope+maxStructure) {
				t.Errorf("the description has %d bytes", n)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nA: b\n\nx\n--b--\n"))
	f.Add([]byte("Content-Type: multipart/digest; boundary=\"b c\"\r\n\r\n--b c\r\n\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n--b c--"))
	f.Add([]byte("\n--\n"))
	f.Add([]byte(" "))
	f.Fuzz(func(t *testing.T, raw []byte) {
		root := Parse(raw)
		checkTree(t, raw, root)
		if root.End != len(raw) {
			t.Fatalf("the body ends at %d of %d", root.End, len(raw))
		}
		crlf := CRLF(bytes.ReplaceAll(raw, []byte("\r"), nil))
		lf := bytes.ReplaceAll(crlf, []byte("\r\n"), []byte("\n"))
		a, b := outline(crlf, Parse(crlf)), outline(lf, Parse(lf))
		if strings.ReplaceAll(a, `\r\n`, `\n`) != b {
			t.Fatalf("CRLF and LF differ:\n%s\n%s", a, b)
		}
	})
}
