package post

// ban refuses authors who are banned from the list or the site.
func ban(p *Post) outcome {
	if p.Banned {
		return reject("banned", [3]int{5, 7, 1}, "your address may not post to this list: write to %s-owner@%s if you think that is wrong", p.List.Name, p.List.Domain)
	}
	return outcome{}
}
