package web

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"

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
		return sanitised(b.HTML, hide)
	}
	text := b.Text
	if b.Flowed {
		text = archive.Unflow(text, b.DelSp)
	}
	var out strings.Builder
	class := "text"
	if mono {
		class += " mono"
	}
	out.WriteString(`<div class="` + class + `">`)
	main, signature, signed := cutSignature(strings.TrimRight(text, "\n"))
	writeLines(&out, strings.Split(main, "\n"), 0, hide)
	if signed {
		out.WriteString(`<div class="sig">`)
		writeParagraphs(&out, strings.Split(signature, "\n"), hide)
		out.WriteString(`</div>`)
	}
	out.WriteString(`</div>`)
	return template.HTML(out.String())
}

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

// writeLines writes runs of quoted and of other lines.
func writeLines(out *strings.Builder, lines []string, depth int, hide bool) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && quoted(lines[n]) == quoted(lines[0]) {
			n++
		}
		run := lines[:n]
		lines = lines[n:]
		if !quoted(run[0]) || depth >= maxQuote {
			writeParagraphs(out, run, hide)
			continue
		}
		inner := make([]string, len(run))
		for i, line := range run {
			inner[i] = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		}
		if depth == 0 && len(run) > foldedQuote {
			out.WriteString(`<details class="quote"><summary>` + html.EscapeString(firstWords(inner)) + `</summary>`)
			writeLines(out, inner, depth+1, hide)
			out.WriteString(`</details>`)
			continue
		}
		out.WriteString(`<div class="quote">`)
		writeLines(out, inner, depth+1, hide)
		out.WriteString(`</div>`)
	}
}

// firstWords tell what a folded quote is.
func firstWords(lines []string) string {
	for _, line := range lines {
		line = strings.TrimSpace(strings.TrimLeft(line, "> "))
		if line == "" {
			continue
		}
		line = shortened(line)
		if r := []rune(line); len(r) > 60 {
			line = string(r[:60]) + "…"
		}
		return "Quoted: " + line
	}
	return "Quoted text"
}

func writeParagraphs(out *strings.Builder, lines []string, hide bool) {
	for paragraph := range strings.SplitSeq(strings.Join(lines, "\n"), "\n\n") {
		if paragraph = strings.Trim(paragraph, "\n"); strings.TrimSpace(paragraph) == "" {
			continue
		}
		out.WriteString(`<p dir="auto">` + linked(paragraph, hide) + `</p>`)
	}
}

var (
	address = regexp.MustCompile(`([\pL\pN._%+=-]{1,64})@([\pL\pN-]+(?:\.[\pL\pN-]+)+)`)
	link    = regexp.MustCompile(`https?://[^\s<>"'\x60{}|\\^]+`)
)

// shortened leaves of mail addresses what tells people apart.
func shortened(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	return address.ReplaceAllString(s, "$1@…")
}

// linked escapes a text, makes its web addresses links, and shortens its mail addresses.
func linked(text string, hide bool) string {
	var out strings.Builder
	at := 0
	for _, m := range link.FindAllStringIndex(text, -1) {
		end := m[0] + len(strings.TrimRight(text[m[0]:m[1]], ".,;:!?)]}»”’…"))
		out.WriteString(escaped(text[at:m[0]], hide))
		url := html.EscapeString(text[m[0]:end])
		out.WriteString(`<a rel="nofollow noreferrer noopener" href="` + url + `">` + url + `</a>`)
		at = end
	}
	out.WriteString(escaped(text[at:], hide))
	return out.String()
}

func escaped(text string, hide bool) string {
	if hide {
		text = shortened(text)
	}
	return html.EscapeString(text)
}

var markup = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "sub", "sup", "small", "blockquote", "pre", "code",
		"ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "thead", "tbody", "tr", "td", "th", "caption")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}()

// maxMarkup bounds the HTML that is sanitised for a page.
const maxMarkup = 1 << 20

func sanitised(s string, hide bool) template.HTML {
	image := strings.Contains(strings.ToLower(s), "<img")
	s = markup.Sanitize(strings.ToValidUTF8(s[:min(len(s), maxMarkup)], ""))
	if hide {
		s = shortened(s)
	}
	s = `<div class="html" dir="auto">` + s + `</div>`
	if image {
		s += `<p class="dim">Pictures from other places are not shown.</p>`
	}
	return template.HTML(s)
}
