package archive

import (
	"regexp"
	"strings"
)

var mailAddress = regexp.MustCompile(`([\pL\pN._%+=-]{1,64})@([\pL\pN_-]+(?:\.[\pL\pN_-]+)+)`)

// Shorten leaves of the mail addresses in a text what tells people apart: for readers who are no members.
func Shorten(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	return mailAddress.ReplaceAllString(s, "$1@…")
}
