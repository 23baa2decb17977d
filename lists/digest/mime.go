package digest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/post"
)

// mime is the digest of RFC 2046 section 5.1.5: the table of contents, then every post as it was, so that each charset and attachment comes
// through and each post can be answered by itself. Only what cannot travel in any mail is changed, see portable.
func (i issue) mime() []byte {
	front := post.TextPart(i.say("digest.intro")+"\n\n"+i.contents(), "")
	posts, eight := make([][]byte, len(i.entries)), false
	for n, e := range i.entries {
		posts[n] = portable(i.content(e))
		eight = eight || !post.ASCII(posts[n])
	}
	outer, inner := boundaries(append(posts[:len(posts):len(posts)], front))
	b := i.header("digest.subject", true)
	multipart := func(subtype, boundary string, eight bool) {
		fmt.Fprintf(b, "Content-Type: multipart/%s; boundary=\"%s\"\r\n", subtype, boundary)
		declare(b, eight)
		b.WriteString("\r\n")
	}
	multipart("mixed", outer, eight)
	b.WriteString("--" + outer + "\r\n")
	b.Write(front)
	b.WriteString("\r\n--" + outer + "\r\n")
	multipart("digest", inner, eight)
	for n, p := range posts {
		if n > 0 {
			b.WriteString("\r\n")
		}
		// The type is the default here, but some programs do not know that.
		b.WriteString("--" + inner + "\r\nContent-Type: message/rfc822\r\n")
		declare(b, !post.ASCII(p))
		b.WriteString("\r\n")
		b.Write(p)
	}
	b.WriteString("\r\n--" + inner + "--\r\n\r\n--" + outer + "--\r\n")
	return b.Bytes()
}

// content of a post, with links in place of its attachments when that is wanted.
func (i issue) content(e entry) []byte {
	if !i.links || !i.archived(e) {
		return e.raw
	}
	raw, _ := post.Link(e.raw, func(a archive.Attachment) string { return i.link(e, a) })
	return raw
}

// declare says that a part has 8-bit bytes; what holds such a part must say so too (RFC 2045 section 6.4).
func declare(b *bytes.Buffer, eight bool) {
	if eight {
		b.WriteString("Content-Transfer-Encoding: 8bit\r\n")
	}
}

// boundaries are the same each time for the same parts, and found in none of them.
func boundaries(parts [][]byte) (outer, inner string) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d ", len(p))
		h.Write(p)
	}
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(h.Sum(nil), "%d", n))
		outer, inner = fmt.Sprintf("=_sangam_%x", sum[:12]), fmt.Sprintf("=_sangam_%x", sum[16:28])
		taken := func(p []byte) bool { return bytes.Contains(p, []byte(outer)) || bytes.Contains(p, []byte(inner)) }
		if outer != inner && !slices.ContainsFunc(parts, taken) {
			return outer, inner
		}
	}
}
