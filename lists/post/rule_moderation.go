package post

import "wesouthasians.org/sangam/store"

// moderation asks the settings moderate and moderate_first.
func moderation(p *Post) outcome {
	m := p.author()
	switch {
	case m != nil && m.Role != store.RoleMember:
	case p.List.Moderate == "all":
		return hold("every post to this list is moderated")
	case p.List.Moderate == "first" && (m == nil || m.Approved < p.List.ModerateFirst):
		return hold("one of the first posts of its author")
	}
	return outcome{}
}
