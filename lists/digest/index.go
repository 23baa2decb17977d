package digest

import (
	"fmt"
	"strings"
	"time"
)

// Index is the list of the posts: for each the command that gets it, so that it can be taken into an answer, and as in the answer to INDEX its
// date, author and subject. The command has the list's whole address, which names it in every domain.
func (i Issue) Index() []byte {
	var t strings.Builder
	t.WriteString(i.say("digest.index-intro") + "\n\n")
	for _, e := range i.Entries {
		date := e.Date.In(i.Date.Location()).Format(time.DateOnly)
		fmt.Fprintf(&t, "GET %s %d\n   %s  %s: %s\n", i.List.Address(), e.Number, date, oneLine(e.From), oneLine(e.Subject))
	}
	b := i.header("digest.index-subject")
	b.Write(plainPart(t.String()))
	return b.Bytes()
}
