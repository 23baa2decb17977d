package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Suffixes of a list's addresses (NAME-help@ or NAME+help@). Those with a number are in numbered.
var (
	suffixes = []string{"join", "subscribe", "leave", "unsubscribe", "request", "confirm", "owner", "help", "info",
		"index", "bounces", "subscribe-digest", "subscribe-digest-text", "subscribe-index", "subscribe-none", "subscribe-each"}
	numbered = regexp.MustCompile(`-(get|thread)-[0-9]+$`)
	reserved = strings.Fields("login logout account u api search admin feed.atom static robots.txt sitemap.xml postmaster " +
		"abuse listserv sangam mailer-daemon")
	listName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,29}[a-z0-9])?$`)
)

// ValidateListName checks the local part of a new list. It is at most 31 bytes, so that the addresses made from it, with
// their tokens, keep within the 64 of RFC 5321 section 4.5.3.1.1.
func ValidateListName(name string) error {
	switch {
	case !listName.MatchString(name) || strings.Contains(name, ".."):
		return fmt.Errorf("%q is no list name: use 1 to 31 letters, digits, '.', '_' or '-', with a letter or digit at both ends", name)
	case slices.Contains(reserved, name):
		return fmt.Errorf("the name %q is reserved: choose another", name)
	case strings.HasPrefix(name, "owner-"):
		return fmt.Errorf("the name %q reads as the owners' address of another list: choose another", name)
	case numbered.MatchString(name):
		return fmt.Errorf("the name %q reads as a command address of another list: choose another", name)
	}
	for _, s := range suffixes {
		if strings.HasSuffix(name, "-"+s) {
			return fmt.Errorf("the name %q reads as the -%s address of another list: choose another", name, s)
		}
	}
	return nil
}
