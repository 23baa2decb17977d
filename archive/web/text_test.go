package web

import (
	"strings"
	"testing"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
)

func TestBodyHTML(t *testing.T) {
	for name, c := range map[string]struct {
		body archive.Body
		want string
	}{
		"paragraphs": {archive.Body{Text: "one\nline\n\ntwo\n"}, `<div class="text"><p dir="auto">one` + "\n" + `line</p><p dir="auto">two</p></div>`},
		"quote":      {archive.Body{Text: "> a\n> > b\nc"}, `<div class="text"><div class="quote"><p dir="auto">a</p><div class="quote"><p dir="auto">b</p></div></div><p dir="auto">c</p></div>`},
		"folded": {archive.Body{Text: strings.Repeat("> long\n", 9) + "c"}, `<div class="text"><details class="quote"><summary>Quoted: long</summary><p dir="auto">` +
			strings.TrimSuffix(strings.Repeat("long\n", 9), "\n") + `</p></details><p dir="auto">c</p></div>`},
		"signature": {archive.Body{Text: "a\n-- \nAsha\n"}, `<div class="text"><p dir="auto">a</p><div class="sig"><p dir="auto">Asha</p></div></div>`},
		"link":      {archive.Body{Text: "(see https://example.org/a?b=1&c=<2>.)"}, `<div class="text"><p dir="auto">(see <a rel="nofollow noreferrer noopener" href="https://example.org/a?b=1&amp;c=">https://example.org/a?b=1&amp;c=</a>&lt;2&gt;.)</p></div>`},
		"address":   {archive.Body{Text: "asha.rao@example.org"}, `<div class="text"><p dir="auto">asha.rao@…</p></div>`},
		"flowed":    {archive.Body{Text: "a \nb\n", Flowed: true}, `<div class="text"><p dir="auto">a b</p></div>`},
		"only html": {archive.Body{Text: "x", HTML: "<p>x<br>y</p>", HTMLOnly: true}, `<div class="html" dir="auto"><p>x<br>y</p></div>`},
	} {
		if got := string(bodyHTML(c.body, false, true)); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// FuzzBodyHTML: whatever a mail says, no script, no handler and no broken letter comes out, and what is opened is closed.
func FuzzBodyHTML(f *testing.F) {
	f.Add("> <script>alert(1)</script>\n-- \nhttps://x.org/\"onload=", true)
	f.Add("<img src=x onerror=alert(1)><a href='jav&#x09;ascript:x'>", false)
	f.Fuzz(func(t *testing.T, text string, plain bool) {
		text = strings.ToValidUTF8(text, "")
		b := archive.Body{Text: text, Flowed: len(text)%2 == 0}
		if !plain {
			b = archive.Body{Text: text, HTML: text, HTMLOnly: true}
		}
		out := string(bodyHTML(b, false, true))
		lower := strings.ToLower(out)
		for _, bad := range []string{"<script", "<style", "<iframe", "<form", "<img", "<object", "<svg", "<base", "<link", "<meta"} {
			if strings.Contains(lower, bad) {
				t.Errorf("%q of %q became %q", bad, text, out)
			}
		}
		if !utf8.ValidString(out) {
			t.Errorf("%q became %q", text, out)
		}
		if plain {
			for _, tag := range []string{"div", "p", "details", "summary", "a"} {
				if strings.Count(out, "<"+tag+" ")+strings.Count(out, "<"+tag+">") != strings.Count(out, "</"+tag+">") {
					t.Errorf("<%s> is not closed in %q", tag, out)
				}
			}
		}
	})
}
