package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	tag "golang.org/x/net/html/atom"

	"wesouthasians.org/sangam/archive"
)

var markup = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "sub", "sup", "small", "blockquote", "pre", "code",
		"ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "thead", "tbody", "tr", "td", "th", "caption")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^\d{1,2}$`)).OnElements("td", "th")
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

// sanitised is the HTML of a mail as a part of a page: nothing runs, nothing is asked of other places, every element is closed,
// headings are below those of the page, and long quotes are folded. ok is false for HTML that cannot be read.
func sanitised(s string, hide bool) (page template.HTML, ok bool) {
	s = characters.Replace(strings.ToValidUTF8(s[:min(len(s), maxMarkup)], ""))
	pictures := strings.Contains(strings.ToLower(s), "<img")
	within := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: tag.Div}
	nodes, err := html.ParseFragment(strings.NewReader(markup.Sanitize(s)), within)
	if err != nil {
		return "", false
	}
	var out bytes.Buffer
	out.WriteString(`<div class="html" dir="auto">`)
	for _, n := range nodes {
		within.AppendChild(n)
	}
	arrange(within, hide, false)
	for n := within.FirstChild; n != nil; n = n.NextSibling {
		if err := html.Render(&out, n); err != nil {
			return "", false
		}
	}
	out.WriteString(`</div>`)
	if pictures {
		out.WriteString(`<p class="dim">Pictures from other places are not shown.</p>`)
	}
	return template.HTML(out.String()), true
}

// headings of a mail lie below that of its post.
var headings = map[tag.Atom]tag.Atom{tag.H1: tag.H3, tag.H2: tag.H4, tag.H3: tag.H5, tag.H4: tag.H6, tag.H5: tag.H6}

// arrange fits the HTML of a mail into a page. The parser bounds how deep it goes.
func arrange(n *html.Node, hide, quoted bool) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && hide:
			c.Data = archive.Shorten(c.Data)
		case c.DataAtom == tag.A:
			for i := range c.Attr {
				if c.Attr[i].Key == "href" {
					c.Attr[i].Val = target(c.Attr[i].Val, hide)
				}
			}
		case headings[c.DataAtom] != 0:
			c.DataAtom = headings[c.DataAtom]
			c.Data = c.DataAtom.String()
		}
		arrange(c, hide, quoted || c.DataAtom == tag.Blockquote)
		if c.DataAtom == tag.Blockquote && !quoted {
			if text := textOf(c); len(text) > foldedText {
				c = fold(c, text)
			}
		}
	}
}

// foldedText is how long a quote in HTML is that is folded, in bytes.
const foldedText = 500

// fold puts an element into one that opens on demand, and returns that.
func fold(n *html.Node, text string) *html.Node {
	details := &html.Node{Type: html.ElementNode, Data: "details", DataAtom: tag.Details}
	summary := &html.Node{Type: html.ElementNode, Data: "summary", DataAtom: tag.Summary}
	summary.AppendChild(&html.Node{Type: html.TextNode, Data: firstWords(strings.Split(text, "\n"))})
	details.AppendChild(summary)
	n.Parent.InsertBefore(details, n)
	n.Parent.RemoveChild(n)
	details.AppendChild(n)
	return details
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var out strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		out.WriteString(textOf(c))
		if c.DataAtom == tag.P || c.DataAtom == tag.Div || c.DataAtom == tag.Br {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
