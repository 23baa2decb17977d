package post

import (
	"bytes"

	"wesouthasians.org/sangam/archive"
)

// context of a transform.
type context struct {
	*Post
	site   Site
	number uint64
}

// transforms in the order in which they work. The texts come first: the others touch only the header.
var transforms = []struct {
	name string
	do   func(context, *message)
}{
	{"texts", addTexts},
	{"foreign fields", removeForeign},
	{"identity", identify},
	{"subject", prefixSubject},
	{"reply-to", setReplyTo},
	{"list fields", addListFields},
}

// Transform makes the bytes that the list distributes and archives: the author's message with the list's header and
// footer, subject prefix and fields. What differs from member to member is added by delivery. It is pure.
func Transform(site Site, p *Post, number uint64) []byte {
	if p.List.Attachments == "strip" {
		stripped := *p
		stripped.Raw, _ = Detach(p.Raw, Strip, func(archive.Attachment) string { return "" })
		p = &stripped
	}
	root := archive.Parse(p.Raw)
	if short := withoutLongLines(p.Raw, root); !bytes.Equal(short, p.Raw) {
		changed := *p
		changed.Raw, root = short, archive.Parse(short)
		p = &changed
	}
	m := split(p.Raw, root)
	m.body = p.Raw[root.BodyStart:]
	for _, t := range transforms {
		t.do(context{p, site, number}, m)
	}
	return m.bytes()
}
