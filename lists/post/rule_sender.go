package post

import "wesouthasians.org/sangam/store"

// maySend asks the settings post and nonmember_action.
func maySend(p *Post) outcome {
	m := p.Member()
	staff := m != nil && m.Role != store.RoleMember
	owner := p.List.Name + "-owner@" + p.List.Domain
	switch {
	case staff, p.Trusted, p.List.Post == "anyone", p.List.Post == "members" && m != nil:
		return outcome{}
	case p.List.Post == "moderators":
		return mayNot(p, "only moderators post to this list; write to "+owner+" instead", "moderator", "not from a moderator")
	default:
		return mayNot(p, "only members post to this list: join first, post from the address you joined with, or write to "+owner, "nonmember", "not from a member")
	}
}

func mayNot(p *Post, public, code, reason string) outcome {
	switch p.List.NonmemberAction {
	case "reject":
		return reject(code, [3]int{5, 7, 1}, "%s", public)
	case "discard":
		return discard(reason)
	case "accept":
		return outcome{}
	}
	return hold(code, "%s", reason)
}
