package post

import "strings"

// empty holds what has neither text nor attachment. A picture alone is something.
func empty(p *Post) outcome {
	body := p.body()
	if strings.TrimSpace(body.Text) == "" && len(body.Attachments) == 0 && !body.Encrypted && !hasImage(body.HTML) {
		return hold("empty", "the message is empty")
	}
	return outcome{}
}

func hasImage(html string) bool { return strings.Contains(strings.ToLower(html), "<img") }
