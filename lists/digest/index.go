package digest

import (
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/post"
)

// index is the list of the posts: for each that is archived the command that gets it, so that it can be taken into an answer, and as in the answer to INDEX its
// date, author and subject.
func (i issue) index() []byte {
	var t strings.Builder
	t.WriteString(i.say("digest.index-intro") + "\n\n")
	for _, e := range i.entries {
		date := e.Date.In(i.date.Location()).Format(time.DateOnly)
		if i.archived(e) {
			fmt.Fprintf(&t, "GET %s %d\n", i.list.MailboxName(i.site.DefaultDomain), e.Number)
		}
		fmt.Fprintf(&t, "   %s  %s: %s\n", date, post.Line(e.From), post.Line(e.Subject))
	}
	b := i.header("digest.index-subject", false)
	b.Write(post.TextPart(t.String(), ""))
	return b.Bytes()
}
