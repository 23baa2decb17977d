package post

import "strings"

// maxReceived is how many hosts a message may have passed (RFC 5321 section 6.3 asks for at least 100 to be allowed of a relay; a list
// is the end of a path).
const maxReceived = 50 + 1 // ours is on top

// loop refuses what the list itself has distributed: a member's address forwards to the list, or two lists are members of
// each other.
func loop(p *Post) outcome {
	address, id := string(p.List.Address()), "<"+p.List.Name+"."+p.List.Domain+">"
	for _, v := range p.Header.Values("List-Id") {
		if strings.Contains(strings.ToLower(v), id) {
			return loops()
		}
	}
	for _, v := range p.Header.Values("List-Post") {
		if strings.Contains(strings.ToLower(v), "<mailto:"+address) {
			return loops()
		}
	}
	if len(p.Header.Values("Received")) > maxReceived {
		return loops()
	}
	return outcome{}
}

func loops() outcome {
	o := reject("other", [3]int{5, 4, 6}, "mail loop: this message has been through this list already")
	o.refusal.Code = 554
	return o
}
