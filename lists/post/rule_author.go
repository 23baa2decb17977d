package post

// author refuses a post that nobody signs, and one with several From fields, for programs differ in which of them they show and check
// (RFC 5322 section 3.6, RFC 7489 section 6.6.1).
func author(p *Post) outcome {
	if len(p.Header.Values("From")) > 1 {
		return reject("other", [3]int{5, 6, 0}, "the message has several From fields: send it with one")
	}
	if len(p.Authors()) == 0 {
		return reject("other", [3]int{5, 6, 0}, "the From field has no mail address: set one in your mail program and send again")
	}
	return outcome{}
}
