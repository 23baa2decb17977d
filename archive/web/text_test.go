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
		"paragraphs": {archive.Body{Text: "one\nline\n\ntwo\n"}, `<div class="text"><p dir="auto">one<br>` + "\n" + `line</p><p dir="auto">two</p></div>`},
		"quote":      {archive.Body{Text: "> a\n> > b\nc"}, `<div class="text"><blockquote><p dir="auto">a</p><blockquote><p dir="auto">b</p></blockquote></blockquote><p dir="auto">c</p></div>`},
		"folded": {archive.Body{Text: strings.Repeat("> long\n", 9) + "c"}, `<div class="text"><details><summary>Quoted: long</summary><blockquote><p dir="auto">` +
			strings.TrimSuffix(strings.Repeat("long<br>\n", 9), "<br>\n") + `</p></blockquote></details><p dir="auto">c</p></div>`},
		"signature":            {archive.Body{Text: "a\n-- \nAsha\n"}, `<div class="text"><p dir="auto">a</p><div class="sig"><p dir="auto">Asha</p></div></div>`},
		"link":                 {archive.Body{Text: "(see https://example.org/a?b=1&c=<2>.)"}, `<div class="text"><p dir="auto">(see <a rel="nofollow noreferrer noopener" href="https://example.org/a?b=1&amp;c=">https://example.org/a?b=1&amp;c=</a>&lt;2&gt;.)</p></div>`},
		"address":              {archive.Body{Text: "asha.rao@example.org, 1@my_host.example.org"}, `<div class="text"><p dir="auto">asha.rao@…, 1@…</p></div>`},
		"flowed":               {archive.Body{Text: "a \nb\n", Flowed: true}, `<div class="text"><p dir="auto">a b</p></div>`},
		"link with an address": {archive.Body{Text: "https://lists.example.org/options/asha@example.org (https://x.org/a_(b))"}, `<div class="text"><p dir="auto"><a rel="nofollow noreferrer noopener" href="https://lists.example.org/options/asha%40example.org">https://lists.example.org/options/asha@…</a> (<a rel="nofollow noreferrer noopener" href="https://x.org/a_(b)">https://x.org/a_(b)</a>)</p></div>`},
		"list":                 {archive.Body{Text: "We have\n  * one,\n  * two.\n"}, `<div class="text"><pre dir="auto">We have` + "\n  * one,\n  * two." + `</pre></div>`},
		"patch":                {archive.Body{Text: "a\n\n@@ -1 +1 @@\n-\tb\n"}, `<div class="text mono"><pre dir="auto">a</pre><pre dir="auto">@@ -1 +1 @@` + "\n-\tb" + `</pre></div>`},
		"signed": {archive.Body{Text: "yes\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"},
			`<div class="text"><p dir="auto">yes</p><details><summary>PGP signature</summary><p dir="auto">-----BEGIN PGP SIGNATURE-----</p><p dir="auto">abc</p></details></div>`},
		"headings of a mail": {archive.Body{Text: "x", HTML: "<h1>x</h1><h2 dir=rtl>y</h2>", HTMLOnly: true}, `<div class="html" dir="auto"><h3>x</h3><h4 dir="rtl">y</h4></div>`},
		"html that goes on":  {archive.Body{Text: "x", HTML: "</div><b>x<table><td>y<a href=http://x.org>z", HTMLOnly: true}, `<div class="html" dir="auto"><b>x<table><tbody><tr><td>y<a href="http://x.org" rel="nofollow noreferrer">z</a></td></tr></tbody></table></b></div>`},
		"address in html":    {archive.Body{Text: "x", HTML: `<a href="http://x.org/?u=asha@example.org">asha@example.org</a>`, HTMLOnly: true}, `<div class="html" dir="auto"><a href="http://x.org/?u=asha%40example.org" rel="nofollow noreferrer">asha@…</a></div>`},
		"html too deep":      {archive.Body{Text: "plain", HTML: strings.Repeat("<div>", 2000) + "x", HTMLOnly: true}, `<div class="text"><p dir="auto">plain</p></div>`},
		"only html":          {archive.Body{Text: "x", HTML: "<p>x<br>y</p>", HTMLOnly: true}, `<div class="html" dir="auto"><p>x<br/>y</p></div>`},
	} {
		if got := string(bodyHTML(c.body, false, true)); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestLongQuotesInHTMLAreFolded(t *testing.T) {
	quote := "<blockquote><p>" + strings.Repeat("what was said before ", 40) + "</p><blockquote>older</blockquote></blockquote>"
	got := string(bodyHTML(archive.Body{Text: "x", HTML: "<p>yes</p>" + quote + "<p>end</p>", HTMLOnly: true}, false, false))
	want := "<p>yes</p><details><summary>Quoted: what was said before what was said before what was said befo…</summary>" + quote + "</details><p>end</p>"
	if !strings.Contains(got, want) {
		t.Error(got)
	}
}

// Lines that a program broke run on; those that a person broke stay.
func TestProse(t *testing.T) {
	for text, want := range map[string]bool{
		"our vaccine carriers lost temperature on the ferry again last week: four hours\nabove 8 degrees, and we had to throw away 60 doses. The road was closed, so the\nboxes went by boat, in the sun.": true,
		"one line, however long it may be, is not a paragraph whose lines were broken":                                                                                                                     false,
		"a short line\nand another": false,
		"Asha Rao, district hospital of the first town in the valley of the river\nPhone 123\nMail asha":                                                      false,
		"  * a point that is long enough to be a line that was broken by a program as\n    it was here":                                                       false,
		"jan  feb  mar   apr    may  of a table that is longer than the lines that we\nlook-at-many-of-them":                                                  false,
		"Two roads diverged in a yellow wood, and sorry I could not travel both\nAnd be one traveler,\nlong I stood and looked down one as far as I could go": false,
	} {
		if prose(text) && !setApart(text) != want {
			t.Errorf("%q: %v", text, !want)
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
		for _, tag := range []string{"div", "p", "pre", "blockquote", "details", "summary", "a", "table", "b"} {
			if strings.Count(out, "<"+tag+" ")+strings.Count(out, "<"+tag+">") != strings.Count(out, "</"+tag+">") {
				t.Errorf("<%s> is not closed in %q", tag, out)
			}
		}
	})
}
