package archive

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxQuote bounds the depth of quotes shown.
const maxQuote = 20

// textOfHTML makes plain text of a page: paragraphs and lines, "> " for quotes, addresses behind links. It goes over the tokens once and
// builds no tree.
func textOfHTML(page string) string {
	t := htmlText{z: html.NewTokenizer(strings.NewReader(page))}
	for {
		switch t.z.Next() {
		case html.ErrorToken:
			t.flushLine()
			if text := strings.Trim(t.out.String(), "\n"); text != "" {
				return text + "\n"
			}
			return ""
		case html.TextToken:
			if t.hidden == "" {
				t.text(string(t.z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t.start()
		case html.EndTagToken:
			t.end()
		}
	}
}

type htmlText struct {
	z      *html.Tokenizer
	out    strings.Builder
	line   strings.Builder
	blank  bool   // a blank is due before the next word
	blanks int    // empty lines written last
	hidden string // the element whose text is not shown
	pre    int
	quote  int
	href   string
}

func (t *htmlText) text(s string) {
	if t.pre > 0 {
		for i, l := range strings.Split(s, "\n") {
			if i > 0 {
				t.flushLine()
			}
			t.line.WriteString(strings.TrimSuffix(l, "\r"))
		}
		return
	}
	for i, w := range strings.FieldsFunc(s, isHTMLSpace) {
		if (i > 0 || t.blank || isHTMLSpace(rune(s[0]))) && t.line.Len() > 0 {
			t.line.WriteByte(' ')
		}
		t.line.WriteString(w)
		t.blank = false
	}
	if s != "" && isHTMLSpace(rune(s[len(s)-1])) {
		t.blank = true
	}
}

func isHTMLSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }

// flushLine writes the line; empty ones only between paragraphs, one at a time.
func (t *htmlText) flushLine() {
	line := strings.TrimRight(t.line.String(), " ")
	t.line.Reset()
	t.blank = false
	if line == "" && t.pre == 0 || t.out.Len() > maxShown {
		return
	}
	t.blanks = 0
	if t.quote > 0 {
		t.out.WriteString(strings.Repeat(">", min(t.quote, maxQuote)) + " ")
	}
	t.out.WriteString(line + "\n")
}

func (t *htmlText) paragraph() {
	t.flushLine()
	if t.blanks == 0 && t.out.Len() > 0 {
		t.out.WriteString("\n")
		t.blanks++
	}
}

func (t *htmlText) start() {
	name, hasAttr := t.z.TagName()
	tag := atom.Lookup(name)
	if t.hidden != "" {
		return
	}
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Noscript:
		t.hidden = tag.String()
	case atom.Br:
		if t.line.Len() == 0 {
			t.paragraph()
		} else {
			t.flushLine()
		}
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table:
		t.paragraph()
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Dt, atom.Dd:
		t.flushLine()
	case atom.Li:
		t.flushLine()
		t.line.WriteString("* ")
	case atom.Td, atom.Th:
		t.blank = true
	case atom.Hr:
		t.flushLine()
		t.text("--------")
		t.flushLine()
	case atom.Pre:
		t.paragraph()
		t.pre++
	case atom.Blockquote:
		t.paragraph()
		t.quote++
	case atom.A, atom.Img:
		t.attributes(tag, hasAttr)
	}
}

func (t *htmlText) attributes(tag atom.Atom, more bool) {
	for more {
		var key, value []byte
		key, value, more = t.z.TagAttr()
		switch {
		case tag == atom.A && string(key) == "href":
			t.href = strings.TrimSpace(string(value))
		case tag == atom.Img && string(key) == "alt":
			t.text(string(value))
		}
	}
}

func (t *htmlText) end() {
	name, _ := t.z.TagName()
	tag := atom.Lookup(name)
	if t.hidden != "" {
		if t.hidden == string(name) {
			t.hidden = ""
		}
		return
	}
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table:
		t.paragraph()
	case atom.Div, atom.Tr, atom.Li, atom.Section, atom.Article:
		t.flushLine()
	case atom.Pre:
		t.flushLine()
		t.pre = max(0, t.pre-1)
	case atom.Blockquote:
		t.flushLine()
		t.quote = max(0, t.quote-1)
		t.paragraph()
	case atom.A:
		href := t.href
		t.href = ""
		if (strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://")) && len(href) < 500 &&
			!strings.Contains(t.line.String(), strings.TrimSuffix(href[strings.Index(href, "//")+2:], "/")) {
			t.text(" <" + href + ">")
		}
	}
}
