package post

import "strconv"

// recipients asks the setting max_recipients.
func recipients(p *Post) outcome {
	if n := len(p.Described.To) + len(p.Described.Cc); n > p.List.MaxRecipients {
		return hold("recipients "+strconv.Itoa(p.List.MaxRecipients), "%d addresses in To and Cc, more than the %d allowed", n, p.List.MaxRecipients)
	}
	return outcome{}
}
