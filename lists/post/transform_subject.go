package post

import (
	"regexp"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/store"
)

// Markers of an answer or a forward in many languages, alone, counted (Re[2]:) or repeated.
var markers = regexp.MustCompile(`(?i)^\s*((re|aw|sv|vs|antw|antwort|res|rif|odp|ynt|fw|fwd|wg|tr|rv|enc|ref|vl|vb|ats|atb|ha|` +
	`回复|回覆|答复|答覆|转发|轉寄|उत्तर|উত্তর|পুনঃ|جواب|رد|回信|返信|השב|תשובה|απ|ответ)\s*(\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*)+`)

// prefixSubject puts the list's prefix into the subject once, behind the markers of an answer, so that a mail program that
// answers finds its own Re: in front: `Re: [heplink] Stock`. A subject that has the prefix keeps its bytes, and encoded
// words keep theirs where the prefix goes before them.
func prefixSubject(c context, m *message) {
	prefix := expandPrefix(c.List, strconv.FormatUint(c.number, 10))
	if strings.TrimSpace(prefix) == "" {
		return
	}
	numbered := strings.Contains(c.List.SubjectPrefix, "{number}")
	own := prefixPattern(c.List)
	raw, decoded := c.Header.Get("Subject"), c.Header.Text("Subject")
	marks, had, rest := cutHead(decoded, own)
	if !numbered && (had == 1 || had == 0 && own.MatchString(rest)) {
		return
	}
	if had == 0 && ASCII(raw) && ASCII(prefix) && strings.HasSuffix(prefix, " ") {
		if rawMarks, _, rawRest := cutHead(raw, own); rawMarks == marks {
			m.set("Subject", marks+prefix+rawRest)
			return
		}
	}
	m.set("Subject", encodeWords(strings.TrimSpace(marks+prefix+rest), none))
}

// cutHead takes markers and prefixes off the start of a subject. The markers keep their order and stand one space apart.
func cutHead(subject string, own *regexp.Regexp) (marks string, prefixes int, rest string) {
	for rest = strings.TrimSpace(subject); ; {
		if mark := markers.FindString(rest); mark != "" {
			marks += strings.TrimSpace(mark) + " "
			rest = rest[len(mark):]
		} else if at := own.FindStringIndex(rest); at != nil && at[0] == 0 {
			prefixes++
			rest = rest[at[1]:]
		} else {
			return marks, prefixes, rest
		}
	}
}

func expandPrefix(l store.List, number string) string {
	return strings.NewReplacer("{name}", l.Name, "{number}", number).Replace(strings.ToValidUTF8(l.SubjectPrefix, ""))
}

// prefixPattern finds the prefix of the list with any number and in any case of letters, however its spaces were changed.
func prefixPattern(l store.List) *regexp.Regexp {
	const mark = "\x00"
	pattern := regexp.QuoteMeta(strings.TrimSpace(expandPrefix(l, mark)))
	pattern = strings.ReplaceAll(pattern, mark, `\d+`)
	return regexp.MustCompile(`(?i)` + strings.Join(strings.Fields(pattern), `\s+`) + `\s*`)
}
