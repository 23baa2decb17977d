package command

import (
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
)

// Bounds of what is read of a mail.
const (
	maxLines    = 200
	maxLine     = 1000 // bytes
	maxCommands = 25
	maxUnknown  = 3 // in a row
)

// cut shortens to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

var answerMarks = regexp.MustCompile(`(?i)^((re|aw|sv|fwd?|antw|rv|tr|wg)(\[\d+\])?: ?)+`)

// lines of a message to a command address: the body's, and the subject before it when the body's first line is no command.
func lines(h archive.Header, b *archive.Body) []string {
	body := b.Own(maxLines, true)
	subject := strings.TrimSpace(answerMarks.ReplaceAllString(strings.TrimSpace(archive.Plain(h.Text("Subject"))), ""))
	switch {
	case len(body) > 0 && known(body[0]):
		return body
	case known(subject): // text beside a command in the subject is none
		return []string{cut(subject, maxLine)}
	case len(body) == 0 && subject != "":
		return []string{subject}
	}
	return body
}

// autolink is what Outlook makes of an address.
var autolink = regexp.MustCompile(`(?i)(\S@[^\s<>]+)\s?<mailto:[^<>]*>`)

// words divides a line at blanks; "quoted text" is one word.
func words(line string) []string {
	var out []string
	line = autolink.ReplaceAllString(line, "$1")
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			if end := strings.IndexByte(line[1:], '"'); end >= 0 {
				out = append(out, line[1:1+end])
				line = line[end+2:]
				continue
			}
		}
		word, rest, _ := strings.Cut(line, " ")
		out = append(out, word)
		line = rest
	}
	return out
}

// mailAddress finds an address in a word: bare, in angle brackets or as mailto.
func mailAddress(word string) string {
	word = strings.Trim(word, "<>,;()[]\"'")
	for _, before := range []string{"mailto:", "address="} { // that of Mailman
		if len(word) > len(before) && strings.EqualFold(word[:len(before)], before) {
			word = word[len(before):]
		}
	}
	return word
}

var token = regexp.MustCompile(`(?i)(?:/c/|-confirm[-+])([a-z2-7]{24,26})(?:[^a-z0-9]|$)`)

// quotedToken is the token of the request that a mail quotes; empty when it quotes none.
func quotedToken(text string) string {
	if m := token.FindStringSubmatch(text); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}
