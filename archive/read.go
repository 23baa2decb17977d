package archive

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how much text of a message is shown, in bytes.
const maxShown = 5 << 20

// Body is what a reader sees of a message: the text shown and the other leaf parts.
type Body struct {
	Text              string // plain text, UTF-8, LF; from HTML when the message has only HTML
	Flowed            bool   // RFC 3676: Text is to be given to Unflow
	DelSp             bool
	HTML              string // the HTML alternative, not yet sanitised; empty when there is none
	HTMLOnly          bool   // there is no plain text beside it: Text was made from it
	Attachments       []Attachment
	Signed, Encrypted bool
}

// Attachment is a leaf part other than the text shown, numbered from 1 (the k of a page's address). A forwarded message is one leaf.
type Attachment struct {
	K         int
	Part      *Part
	Type      string // media type
	Filename  string // never empty: made from type and number when the part has none
	Size      int    // decoded, estimated from the encoding
	ContentID string
}

// Read chooses what to show: of multipart/alternative the plain text (and the HTML beside it), of multipart/related the root, of the others
// every text part without a name. At most 5 MB of text are shown; control characters become visible.
func Read(raw []byte) Body {
	root := Parse(raw)
	l := layOut(root)
	b := Body{Signed: l.signed, Encrypted: l.encrypted}
	for i, p := range l.attachments {
		b.Attachments = append(b.Attachments, newAttachment(i+1, p))
	}
	b.HTMLOnly = len(l.blocks) > 0 && !slices.ContainsFunc(l.blocks, func(b block) bool { return b.plain != nil })
	l.text(&b, raw)
	if start := strings.TrimLeft(b.Text[:min(len(b.Text), 200)], "\n "); strings.HasPrefix(start, "-----BEGIN PGP SIGNED MESSAGE-----") {
		b.Signed = true
	} else if strings.HasPrefix(start, "-----BEGIN PGP MESSAGE-----") {
		b.Encrypted = true
	}
	return b
}

func newAttachment(k int, p *Part) Attachment {
	a := Attachment{K: k, Part: p, Type: p.MediaType(), Filename: p.Filename(), ContentID: strings.Trim(p.ID, "<> ")}
	if a.Filename == "" {
		ext, ok := extensions[a.Type]
		if !ok {
			ext = ".bin"
		}
		a.Filename = fmt.Sprintf("part-%d%s", k, ext)
	}
	a.Size = p.End - p.BodyStart
	if p.Encoding == "base64" {
		a.Size = a.Size * 73 / 100 // lines of 76 characters and CRLF
	}
	return a
}

// extensions is a table of our own: the system's differ from machine to machine, and addresses of attachments must not.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "text/calendar": ".ics", "text/x-patch": ".patch", "text/x-diff": ".diff",
	"text/rfc822-headers": ".txt", "message/rfc822": ".eml", "message/global": ".eml", "message/delivery-status": ".txt",
	"image/jpeg": ".jpg", "image/jpg": ".jpg", "image/pjpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/rtf": ".rtf", "application/json": ".json", "application/xml": ".xml",
	"application/pgp-signature": ".asc", "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s",
}

// block is one piece of the text shown: plain text, HTML, or both as alternatives.
type block struct{ plain, html *Part }

// layout divides the leaves of a message into text and attachments.
type layout struct {
	blocks            []block
	attachments       []*Part
	signed, encrypted bool
}

func layOut(root *Part) *layout {
	l := &layout{}
	l.add(root, root)
	if len(l.blocks) > 0 {
		return l
	}
	for i, p := range l.attachments { // the text itself has a name
		if p.MediaType() == "text/plain" && p.Disposition != "attachment" {
			l.blocks = []block{{plain: p}}
			l.attachments = slices.Delete(l.attachments, i, i+1)
			break
		}
	}
	return l
}

func (l *layout) add(p, root *Part) {
	switch {
	case p.Leaf():
		l.addLeaf(p, root)
	case p.Subtype == "alternative":
		l.addAlternative(p, root)
	case p.Subtype == "related":
		l.add(p.Parts[0], root)
		l.attachments = append(l.attachments, leaves(p.Parts[1:])...)
	case p.Subtype == "encrypted":
		l.encrypted = true
		l.attachments = append(l.attachments, leaves(p.Parts)...)
	default:
		l.signed = l.signed || p.Subtype == "signed"
		for _, child := range p.Parts {
			l.add(child, root)
		}
	}
}

func (l *layout) addLeaf(p, root *Part) {
	if p.Type == "application" && (p.Subtype == "pkcs7-mime" || p.Subtype == "x-pkcs7-mime") {
		if strings.EqualFold(p.Params["smime-type"], "signed-data") {
			l.signed = true
		} else {
			l.encrypted = true
		}
	}
	named := p.DispositionParams["filename"] != "" || p.Params["name"] != ""
	switch {
	case p.Disposition == "attachment", named && p != root:
	case p.MediaType() == "text/plain":
		l.blocks = append(l.blocks, block{plain: p})
		return
	case p.MediaType() == "text/html":
		l.blocks = append(l.blocks, block{html: p})
		return
	}
	l.attachments = append(l.attachments, p)
}

// addAlternative shows the first plain text and the first HTML of the alternatives, wherever they are nested; other parts, calendars for
// example, are attachments.
func (l *layout) addAlternative(p, root *Part) {
	var plain, rich []block
	for _, child := range p.Parts {
		inner := &layout{}
		inner.add(child, root)
		l.signed, l.encrypted = l.signed || inner.signed, l.encrypted || inner.encrypted
		l.attachments = append(l.attachments, inner.attachments...)
		switch {
		case len(inner.blocks) == 0:
		case inner.blocks[0].html != nil && len(rich) == 0:
			rich = inner.blocks
		case inner.blocks[0].html == nil && len(plain) == 0:
			plain = inner.blocks
		default:
			l.attachments = append(l.attachments, partsOf(inner.blocks)...)
		}
	}
	switch {
	case len(plain) == 1 && len(rich) >= 1:
		if rich[0].plain == nil {
			rich[0].plain = plain[0].plain
			plain = rich
		} else {
			l.attachments = append(l.attachments, plain[0].plain)
			plain = rich
		}
	case len(plain) == 0:
		plain = rich
	default:
		l.attachments = append(l.attachments, partsOf(rich)...)
	}
	l.blocks = append(l.blocks, plain...)
}

func partsOf(blocks []block) []*Part {
	var ps []*Part
	for _, b := range blocks {
		if b.plain != nil {
			ps = append(ps, b.plain)
		}
		if b.html != nil {
			ps = append(ps, b.html)
		}
	}
	return ps
}

func leaves(parts []*Part) []*Part {
	var out []*Part
	for _, p := range parts {
		if p.Leaf() {
			out = append(out, p)
		} else {
			out = append(out, leaves(p.Parts)...)
		}
	}
	return out
}

// countAttachments leaves signatures out: a signed post is not one with attachments to who searches for them.
func countAttachments(root *Part) int {
	n := 0
	for _, p := range layOut(root).attachments {
		if !p.header.Has(removedField) && !strings.HasSuffix(p.Subtype, "pgp-signature") && !strings.HasSuffix(p.Subtype, "pkcs7-signature") {
			n++
		}
	}
	return n
}

// text joins the blocks. When one of them has HTML, Body.HTML holds all of them, so that nothing is lost in either view.
func (l *layout) text(b *Body, raw []byte) {
	left := maxShown
	take := func(p *Part) string {
		s := p.DecodeText(raw, left+1)
		if len(s) > left {
			s = cutText(s, left)
		}
		left -= len(s)
		return s
	}
	var texts, pages []string
	rich := false
	for _, bl := range l.blocks {
		text, page := "", ""
		if bl.plain != nil {
			text = cleanText(take(bl.plain))
		}
		if bl.html != nil {
			page, rich = strings.ReplaceAll(strings.ToValidUTF8(take(bl.html), "\uFFFD"), "\x00", ""), true
			if bl.plain == nil || strings.TrimSpace(text) == "" {
				text = cleanText(textOfHTML(page))
			}
		} else {
			page = "<pre>" + html.EscapeString(text) + "</pre>"
		}
		if bl.plain != nil && strings.EqualFold(bl.plain.Params["format"], "flowed") {
			delSp := strings.EqualFold(bl.plain.Params["delsp"], "yes")
			if len(l.blocks) == 1 {
				b.Flowed, b.DelSp = true, delSp
			} else {
				text = Unflow(text, delSp)
			}
		}
		texts, pages = append(texts, text), append(pages, page)
	}
	b.Text = joinTexts(texts)
	if rich {
		b.HTML = strings.Join(pages, "\n")
	}
}

func joinTexts(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		if b.Len() > 0 && strings.TrimSpace(t) != "" {
			b.WriteByte('\n')
		}
		if b.Len() == 0 || strings.TrimSpace(t) != "" {
			b.WriteString(t)
		}
		if t != "" && !strings.HasSuffix(t, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// cleanText makes LF line ends and shows control characters as their pictures, so that nothing in a text acts on a terminal or a parser.
func cleanText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b bytes.Buffer
	b.Grow(len(s))
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case c < ' ' && c != '\n' && c != '\t':
			b.WriteRune(rune(0x2400) + rune(c))
		case c == 0x7f:
			b.WriteRune(0x2421)
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if unicode.IsControl(r) {
				r = utf8.RuneError
			}
			b.WriteRune(r)
			i += n
			continue
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String()
}
