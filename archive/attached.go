package archive

import "strings"

// Bounds of AttachedText.
const (
	maxAttached      = 5 << 20 // bytes of text
	maxAttachedDepth = 5       // messages within messages
)

// AttachedText is the text of a message beside what Read shows: of text parts that are attached, and of messages within it.
func AttachedText(raw []byte, b *Body) string {
	var out strings.Builder
	addAttached(&out, raw, b, 0)
	return out.String()
}

func addAttached(out *strings.Builder, raw []byte, b *Body, depth int) {
	for _, a := range b.Attachments {
		p := a.Part
		switch {
		case out.Len() > maxAttached:
			return
		case p.Message != nil && depth < maxAttachedDepth:
			inner := raw[p.BodyStart:p.End]
			within := Read(inner)
			out.WriteString(within.Text + "\n")
			addAttached(out, inner, &within, depth+1)
		case p.Type == "text":
			out.WriteString(p.DecodeText(raw, maxAttached) + "\n")
		}
	}
}
