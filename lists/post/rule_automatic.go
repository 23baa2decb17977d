package post

import (
	"slices"
	"strings"
)

// automatic keeps away what no person wrote (RFC 3834 section 2): answers of programs vanish, for an answer to them would
// loop; other automatic mail, which an owner may want, waits.
func automatic(p *Post) outcome {
	auto := strings.ToLower(p.Header.Get("Auto-Submitted"))
	keyword, _, _ := strings.Cut(auto, ";")
	keyword = strings.TrimSpace(keyword)
	precedence := strings.ToLower(strings.TrimSpace(p.Header.Get("Precedence")))
	switch {
	case p.Sender == "":
		return discard("automatic mail: null return path")
	case strings.HasPrefix(keyword, "auto-replied"), strings.HasPrefix(keyword, "auto-notified"):
		return discard("automatic mail: Auto-Submitted: " + keyword)
	case p.Header.Has("X-Autoreply"), p.Header.Has("X-Autorespond"), precedence == "auto_reply":
		return discard("automatic mail: an automatic reply")
	case slices.ContainsFunc(p.Authors(), isRobot):
		return discard("automatic mail: from " + string(p.Described.Post.Author))
	case keyword != "" && keyword != "no":
		return hold("automatic mail: Auto-Submitted: %s", keyword)
	case precedence == "bulk" || precedence == "junk":
		return hold("automatic mail: Precedence: %s", precedence)
	}
	return outcome{}
}
