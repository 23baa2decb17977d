package post

// author refuses a post that nobody signs.
func author(p *Post) outcome {
	if len(p.Authors()) == 0 {
		return reject("other", [3]int{5, 6, 0}, "the From field has no mail address: set one in your mail program and send again")
	}
	return outcome{}
}
