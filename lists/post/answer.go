package post

import (
	"regexp"

	"wesouthasians.org/sangam/store"
)

// batv is the tag that some servers put on their envelope senders.
var batv = regexp.MustCompile(`^prvs=[^=@]+=`)

// Signed tells whether the author is known to have sent the message: the envelope names the same address, but for a tag, or DMARC has
// passed for the only one in From. To others nothing is answered, for they may never have written.
func (p *Post) Signed() bool {
	author := p.Described.Post.Author
	if author == "" {
		return false
	}
	return store.Address(batv.ReplaceAllString(string(p.Sender), "")) == author || p.Auth.Verified && len(p.Authors()) == 1
}
