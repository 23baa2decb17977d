package post

import (
	"mime"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"wesouthasians.org/sangam/store"
)

// Markers of an answer or a forward in many languages, alone, counted (Re[2]:) or repeated.
var markers = regexp.MustCompile(`(?i)^\s*((re|aw|sv|vs|antw|antwort|res|rif|odp|ynt|fw|fwd|wg|tr|rv|enc|ref|vl|vb|ats|atb|ha|` +
	`回复|回覆|答复|答覆|转发|轉寄|उत्तर|উত্তর|পুনঃ|جواب|رد|回信|返信)\s*(\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*)+`)

// prefixSubject puts the list's prefix into the subject once, behind the markers of an answer, so that a mail program that
// answers finds its own Re: in front. A subject that has the prefix keeps its bytes.
func prefixSubject(c context, m *message) {
	prefix := expandPrefix(c.List, strconv.FormatUint(c.number, 10))
	if strings.TrimSpace(prefix) == "" {
		return
	}
	raw := c.Header.Get("Subject")
	decoded := c.Header.Text("Subject")
	clean, had := withoutPrefix(decoded, c.List)
	if had && !strings.Contains(c.List.SubjectPrefix, "{number}") && clean.count == 1 {
		return
	}
	if !had && isASCII(raw) {
		// The marker may be plain before an encoded word; the words themselves keep their bytes.
		mark := markers.FindString(raw)
		if mark == "" && markers.MatchString(decoded) {
			setSubject(m, insert(decoded, prefix))
			return
		}
		m.set("Subject", mark+prefixWord(prefix)+strings.TrimLeft(raw[len(mark):], " "))
		return
	}
	setSubject(m, insert(clean.text, prefix))
}

func prefixWord(prefix string) string {
	if isASCII(prefix) {
		return prefix
	}
	return mime.QEncoding.Encode("utf-8", strings.TrimSpace(prefix)) + " "
}

func insert(subject, prefix string) string {
	mark := markers.FindString(subject)
	return mark + prefix + strings.TrimLeft(subject[len(mark):], " ")
}

func setSubject(m *message, subject string) {
	if !isASCII(subject) || strings.Contains(subject, "=?") {
		subject = mime.BEncoding.Encode("utf-8", subject)
	}
	m.set("Subject", subject)
}

func expandPrefix(l store.List, number string) string {
	return strings.NewReplacer("{name}", l.Name, "{number}", number).Replace(l.SubjectPrefix)
}

type cleaned struct {
	text  string
	count int // prefixes found
}

// withoutPrefix takes the prefix of the list, with any number and in any case of letters, out of a subject.
func withoutPrefix(subject string, l store.List) (cleaned, bool) {
	const mark = "\x00"
	pattern := regexp.QuoteMeta(strings.TrimSpace(expandPrefix(l, mark)))
	pattern = strings.ReplaceAll(pattern, mark, `\d+`)
	pattern = strings.Join(strings.Fields(pattern), `\s+`)
	re, err := regexp.Compile(`(?i)\s*` + pattern + `\s*`)
	if err != nil {
		return cleaned{subject, 0}, false
	}
	n := len(re.FindAllStringIndex(subject, -1))
	text := strings.TrimSpace(re.ReplaceAllString(subject, " "))
	return cleaned{text, n}, n > 0
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
