package post

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"wesouthasians.org/sangam/archive"
)

// Detach takes the attachments out of a message and writes a line for each below its text, as say gives it. HTML shows pictures that were
// part of the message from their link, when link has one. A message that is signed or encrypted stays whole, and so does one without
// attachments: then it is raw itself, and false.
func Detach(raw []byte, say, link func(archive.Attachment) string) (out []byte, taken bool) {
	root, body := archive.Parse(raw), archive.Read(raw)
	if len(body.Attachments) == 0 || body.Signed || body.Encrypted || sealed(root) {
		return raw, false
	}
	d := detachment{raw: raw, gone: map[int]bool{}}
	var lines, images []string
	for _, a := range body.Attachments {
		d.gone[a.Part.Start] = true
		lines = append(lines, say(a))
		if l := link(a); l != "" && a.ContentID != "" {
			images = append(images, "cid:"+a.ContentID+"\x00"+l)
		}
	}
	d.texts = newTexts("", strings.Join(lines, "\n"))
	slices.SortFunc(images, func(a, b string) int { return len(b) - len(a) }) // one Content-ID may begin with another
	var pairs []string
	for _, image := range images {
		cid, l, _ := strings.Cut(image, "\x00")
		pairs = append(pairs, cid, l)
	}
	d.images = strings.NewReplacer(pairs...)
	for _, p := range textLeaves(root) {
		if !d.gone[p.Start] {
			d.leaves = append(d.leaves, p)
		}
	}
	out = d.message(root)
	return out, !d.failed
}

// LinkDays is how long a link to an attachment works without login.
const LinkDays = 60

// Link puts links in place of attachments, with name and size, as Detach does.
func Link(raw []byte, link func(archive.Attachment) string) (out []byte, taken bool) {
	return Detach(raw, func(a archive.Attachment) string { return a.Filename + " (" + Kilobytes(a.Size) + "): " + link(a) }, link)
}

// Strip is what the setting attachments = strip says of one that was taken out.
func Strip(a archive.Attachment) string {
	return fmt.Sprintf("[%s, %s: removed]", a.Filename, Kilobytes(a.Size))
}

// Kilobytes is a size for readers, as 1 KB for 1000 bytes.
func Kilobytes(bytes int) string { return fmt.Sprintf("%d KB", (bytes+999)/1000) }

// detachment of the attachments of a message.
type detachment struct {
	raw    []byte
	gone   map[int]bool // where attachments start
	leaves []*archive.Part
	texts  texts
	images *strings.Replacer
	failed bool // a text could not be changed
}

func (d *detachment) message(root *archive.Part) []byte {
	m := split(d.raw, root)
	body := d.part(root)
	switch {
	case d.failed:
		return d.raw
	case body == nil: // nothing but attachments
		m.remove(func(name string) bool { return strings.HasPrefix(name, "content-") })
		m.set("MIME-Version", "1.0")
		m.set("Content-Type", "text/plain; charset=utf-8")
		m.encode(d.texts.footer, "")
	case len(d.leaves) == 0:
		m = split(body, archive.Parse(body))
		d.texts.wrap(m)
	default:
		return body
	}
	return m.bytes()
}

// part is a part without attachments, nil when nothing of it remains.
func (d *detachment) part(p *archive.Part) []byte {
	switch {
	case d.gone[p.Start] && p.Leaf():
		return nil
	case slices.ContainsFunc(d.leaves, func(leaf *archive.Part) bool { return leaf.Start == p.Start && p.Leaf() }):
		m := split(d.raw, p)
		if !d.texts.addWith(d.raw, m, d.images) {
			d.failed = true
		}
		return m.bytes()
	case p.Leaf():
		return d.raw[p.Start:p.End]
	}
	var out bytes.Buffer
	out.Write(d.raw[p.Start:p.BodyStart])
	at, kept := p.BodyStart, false
	for _, child := range p.Parts {
		if b := d.part(child); b != nil {
			out.Write(d.raw[at:child.Start])
			out.Write(b)
			kept = true
		}
		at = child.End
	}
	if !kept {
		return nil
	}
	out.Write(d.raw[at:p.End])
	return out.Bytes()
}
