package post

// content holds what the content check finds suspicious. Its author, who may be another, is not told.
func content(p *Post) outcome {
	if p.Suspicion == "" {
		return outcome{}
	}
	return hold("other", "%s", p.Suspicion)
}
