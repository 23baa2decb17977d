package web

import (
	"html"
	"html/template"
	"strings"
	"unicode/utf8"

	"wesouthasians.org/sangam/archive"
)

// Quotes of more lines than this are folded; deeper ones than that are shown as they are.
const (
	foldedQuote = 6
	maxQuote    = 4
)

// bodyHTML shows the text of a post: paragraphs, quotes dimmed and long ones folded, the signature apart, links and no
// scripts. hide shortens mail addresses.
func bodyHTML(b archive.Body, mono, hide bool) template.HTML {
	if b.HTMLOnly {
		if page, ok := sanitised(b.HTML, hide); ok {
			return page
		}
	}
	text := characters.Replace(b.Text)
	if b.Flowed {
		text = archive.Unflow(text, b.DelSp)
	}
	t := texter{hide: hide, mono: mono || isPatch(text)}
	class := "text"
	if t.mono {
		class += " mono"
	}
	t.WriteString(`<div class="` + class + `">`)
	text, armor, _ := strings.Cut(strings.TrimRight(text, "\n"), pgpSignature)
	main, signature, signed := cutSignature(text)
	t.lines(strings.Split(main, "\n"), 0)
	if signed {
		t.block(`<div class="sig">`, signature, `</div>`)
	}
	if armor != "" {
		t.block(`<details><summary>PGP signature</summary>`, pgpSignature[1:]+armor, `</details>`)
	}
	t.WriteString(`</div>`)
	return template.HTML(t.String())
}

// characters replaces what HTML and XML may not hold.
var characters = strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD")

// texter writes the text of one post.
type texter struct {
	strings.Builder
	hide, mono bool
}

// isPatch finds text that only reads well in letters of one width.
func isPatch(text string) bool {
	for _, start := range []string{"diff --git ", "@@ -"} {
		if strings.HasPrefix(text, start) || strings.Contains(text, "\n"+start) {
			return true
		}
	}
	return false
}

const pgpSignature = "\n-----BEGIN PGP SIGNATURE-----"

func cutSignature(text string) (main, signature string, ok bool) {
	if rest, found := strings.CutPrefix(text, "-- \n"); found {
		return "", rest, true
	}
	i := strings.LastIndex(text, "\n-- \n")
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+5:], true
}

func quoted(line string) bool { return strings.HasPrefix(line, ">") }

// lines writes runs of quoted and of other lines.
func (t *texter) lines(lines []string, depth int) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && quoted(lines[n]) == quoted(lines[0]) {
			n++
		}
		run := lines[:n]
		lines = lines[n:]
		if !quoted(run[0]) || depth >= maxQuote {
			t.paragraphs(run, depth < maxQuote)
			continue
		}
		inner := make([]string, len(run))
		for i, line := range run {
			inner[i] = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		}
		start, end := `<blockquote>`, `</blockquote>`
		if depth == 0 && len(run) > foldedQuote {
			start, end = `<details><summary>`+html.EscapeString(firstWords(inner))+`</summary>`+start, end+`</details>`
		}
		t.WriteString(start)
		t.lines(inner, depth+1)
		t.WriteString(end)
	}
}

// block writes text as it is between two tags.
func (t *texter) block(start, text, end string) {
	t.WriteString(start)
	t.paragraphs(strings.Split(text, "\n"), false)
	t.WriteString(end)
}

// firstWords tell what a folded quote is.
func firstWords(lines []string) string {
	for _, line := range lines {
		line = strings.TrimSpace(strings.TrimLeft(line, "> "))
		if line == "" {
			continue
		}
		line = archive.Shorten(line)
		if r := []rune(line); len(r) > 60 {
			line = string(r[:60]) + "…"
		}
		return "Quoted: " + line
	}
	return "Quoted text"
}

// paragraphs of prose run on where the screen is narrow or wide, all others keep their lines, also in a browser without styles.
func (t *texter) paragraphs(lines []string, prosaic bool) {
	for paragraph := range strings.SplitSeq(strings.Join(lines, "\n"), "\n\n") {
		if paragraph = strings.Trim(paragraph, "\n"); strings.TrimSpace(paragraph) == "" {
			continue
		}
		text := linked(paragraph, t.hide)
		switch {
		case t.mono || setApart(paragraph):
			t.WriteString(`<pre dir="auto">` + text + `</pre>`)
			continue
		case !prosaic || !prose(paragraph):
			text = strings.ReplaceAll(text, "\n", "<br>\n")
		}
		t.WriteString(`<p dir="auto">` + text + `</p>`)
	}
}

// setApart tells whether space sets words apart, as in lists, verse and tables.
func setApart(paragraph string) bool {
	return strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ") || strings.Contains(paragraph, "\t") || strings.Contains(paragraph, "   ")
}

// Lines that a program broke are about this long, in characters.
const (
	minWrap = 55
	maxWrap = 100
)

// prose tells whether a program broke the lines of a paragraph: each ends only because the next word had no room.
func prose(paragraph string) bool {
	lines := strings.Split(paragraph, "\n")
	longest := 0
	for _, line := range lines {
		if line == "" || strings.ContainsAny(line[:1], "|*#-+=_") {
			return false
		}
		longest = max(longest, utf8.RuneCountInString(strings.TrimRight(line, " ")))
	}
	if len(lines) < 2 || longest < minWrap || longest > maxWrap {
		return false
	}
	for i, line := range lines[1:] {
		word, _, _ := strings.Cut(line, " ")
		if utf8.RuneCountInString(strings.TrimRight(lines[i], " "))+1+utf8.RuneCountInString(word) <= longest {
			return false
		}
	}
	return true
}

// linked escapes a text, makes its web addresses links, and shortens its mail addresses.
func linked(text string, hide bool) string {
	var out strings.Builder
	at := 0
	for _, m := range archive.Links(text) {
		out.WriteString(escaped(text[at:m[0]], hide))
		shown := text[m[0]:m[1]]
		out.WriteString(`<a rel="nofollow noreferrer noopener" href="` + html.EscapeString(target(shown, hide)) + `">` + escaped(shown, hide) + `</a>`)
		at = m[1]
	}
	out.WriteString(escaped(text[at:], hide))
	return out.String()
}

// target of a link. Where mail addresses are shortened one that the link holds is written so that programs that gather addresses do
// not see it, and the link leads to the same place.
func target(url string, hide bool) string {
	if hide && archive.Shorten(url) != url {
		return strings.ReplaceAll(url, "@", "%40")
	}
	return url
}

func escaped(text string, hide bool) string {
	if hide {
		text = archive.Shorten(text)
	}
	return html.EscapeString(text)
}
