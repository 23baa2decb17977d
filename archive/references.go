package archive

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"wesouthasians.org/sangam/store"
)

const (
	maxMessageID  = 244 // bytes; longer ones are cut, the same way wherever they stand, so that answers still find their parent
	maxReferences = 100 // the newest are kept
)

// messageID takes the first <…> of the first Message-ID field that has one; a value without brackets is taken as it is when it is one word.
func (h Header) messageID() string {
	values := h.Values("Message-Id")
	for _, v := range values {
		if ids := bracketed(v); len(ids) > 0 {
			return ids[0]
		}
	}
	for _, v := range values {
		if v = strings.Trim(v, "<> \t"); v != "" && !strings.ContainsAny(v, " \t") {
			return cleanID(v)
		}
	}
	return ""
}

// references lists the ancestors, oldest first and the direct parent last: the ids of References, then those of In-Reply-To that are not
// among them. So an In-Reply-To that References does not know is the direct parent, and References decides otherwise: its last id is the
// nearest ancestor also where In-Reply-To names an older one. Left out: the message's own id, "y" and "n" and the addresses of To, From and
// Cc (answers to a prompt of git send-email), and free text.
func (h Header) references(own string, people map[string]bool) []string {
	var ids []string
	seen := map[string]bool{own: true, "y": true, "n": true}
	for _, name := range []string{"References", "In-Reply-To"} {
		for _, v := range h.Values(name) {
			found := bracketed(v)
			if len(found) == 0 {
				found = bareIDs(v)
			}
			if name == "In-Reply-To" && len(found) > 1 && told(v) {
				found = theOne(v, found)
			}
			for _, id := range found {
				if !seen[id] && !people[strings.ToLower(id)] {
					seen[id] = true
					ids = append(ids, id)
				}
			}
		}
	}
	return ids[max(0, len(ids)-maxReferences):]
}

var inBrackets = regexp.MustCompile(`<[^<>]*>`)

// told tells whether a field has words beside its ids.
func told(v string) bool {
	return strings.ContainsFunc(inBrackets.ReplaceAllString(v, ""), unicode.IsLetter)
}

// theOne of In-Reply-To in the words of old programs is one id beside addresses of people: "<id> (Asha <asha@x.org> wrote)" or "Your message
// to Asha <asha@x.org> of Monday <id>". An address that many answers name would make one thread of them all.
func theOne(v string, found []string) []string {
	if strings.HasPrefix(strings.TrimSpace(v), "<") {
		return found[:1]
	}
	return found[len(found)-1:]
}

// bareIDs reads a field without any brackets: some old programs wrote In-Reply-To so. Only a value that is one id.
func bareIDs(v string) []string {
	if v = strings.Trim(v, "<> \t"); strings.Count(v, "@") != 1 || strings.ContainsAny(v, " \t<>()\"") {
		return nil
	}
	if id := cleanID(v); id != "" {
		return []string{id}
	}
	return nil
}

// bracketed returns the ids of a field. A blank inside comes from folding a long id and goes; more than one blank is free text.
func bracketed(v string) []string {
	var ids []string
	for {
		i := strings.IndexByte(v, '<')
		if i < 0 {
			return ids
		}
		v = v[i+1:]
		end := strings.IndexAny(v, "<>")
		if end < 0 {
			return ids
		}
		if v[end] == '<' {
			continue
		}
		id := v[:end]
		v = v[end+1:]
		if words := strings.Fields(id); len(words) == 1 || len(words) == 2 && strings.Contains(id, "@") {
			if id = cleanID(strings.Join(words, "")); id != "" {
				ids = append(ids, id)
			}
		}
	}
}

// cleanID makes an id that is safe in a key, a header and a page: valid UTF-8 without blanks, control characters and brackets.
func cleanID(id string) string {
	id = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '<' || r == '>' || r == utf8.RuneError {
			return -1
		}
		return r
	}, decodeRaw(id, ""))
	return cutText(id, maxMessageID)
}

func peopleOf(lists ...[]store.Address) map[string]bool {
	people := map[string]bool{}
	for _, as := range lists {
		for _, a := range as {
			people[string(a)] = true
		}
	}
	return people
}
