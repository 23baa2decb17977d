package post

import "wesouthasians.org/sangam/store"

// moderation asks the settings moderate and moderate_first.
func moderation(p *Post) outcome {
	m := p.Member()
	switch {
	case m != nil && m.Role != store.RoleMember, p.Trusted:
	case p.List.Moderate == "all":
		return hold("moderated", "every post to this list is moderated")
	case p.List.Moderate == "first" && (m == nil || m.Approved < p.List.ModerateFirst):
		return hold("first", "one of the first posts of its author")
	}
	return outcome{}
}
