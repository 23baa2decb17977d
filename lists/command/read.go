package command

import (
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
)

// Bounds of what is read of a mail.
const (
	maxLines    = 200
	maxLine     = 1000
	maxCommands = 25
	maxUnknown  = 3 // in a row
)

var (
	// attribution introduces a quote in the words of many programs.
	attribution = regexp.MustCompile(`(?i)^(on .{6,200} wrote:|le .{6,200} a écrit ?:|el .{6,200} escribió:|am .{6,200} schrieb.*:|em .{6,200} escreveu:|.{3,200}(को|ने) .{0,60}लिखा:|` +
		`.{3,120} <[^<> ]+@[^<> ]+> (wrote|writes|schrieb|escribió|a écrit|লিখেছেন|எழுதியது) ?:?)$`)
	// divider stands above a quote that is not marked.
	divider = regexp.MustCompile(`(?i)^(-{3,} ?(original|forwarded|ursprüngliche|mensaje|message|weitergeleitete).*|_{8,}|\*?from: .+@.+|begin forwarded message:?)$`)
	// footer of a phone or a program.
	footer = regexp.MustCompile(`(?i)^(sent (from|via|using|with) (my |outlook|yahoo|gmail|mail|proton|samsung|the |k-9).*|get outlook for .*|envoyé (de|depuis) (mon|ma|mail) .*|` +
		`enviado (desde|do|de) (mi|meu|el) .*|von meinem .* gesendet|gesendet von .*|diese nachricht wurde von meinem .*|मेरे .* से भेजा गया|envoyé à partir d.*|do you yahoo.*)$`)
)

// own are the lines that the author of a message wrote: HTML as text, flowed lines joined, without quotes and what introduces them, up to
// the signature. With above only those before the first quote.
func own(raw []byte, above bool) []string {
	body := archive.Read(raw)
	text := body.Text
	if body.Flowed {
		text = archive.Unflow(text, body.DelSp)
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(blanks.Replace(line), " \r\t")
		bare := strings.TrimSpace(line)
		switch {
		case bare == "--" || line == "-- " || footer.MatchString(bare) || divider.MatchString(bare):
			return lines
		case strings.HasPrefix(bare, ">") || strings.HasPrefix(bare, "|"):
			if above && len(lines) > 0 {
				return lines
			}
		case attribution.MatchString(bare):
			if above && len(lines) > 0 {
				return lines
			}
		case bare != "" && len(lines) < maxLines:
			lines = append(lines, cut(bare, maxLine))
		}
	}
	return lines
}

var blanks = strings.NewReplacer("\u00a0", " ", "\u200b", "", "\u200e", "", "\u200f", "", "\ufeff", "", "“", `"`, "”", `"`, "„", `"`, "\t", " ")

// cut shortens to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

var answerMarks = regexp.MustCompile(`(?i)^((re|aw|sv|fwd?|antw|rv|tr|wg)(\[\d+\])?: ?)+`)

// lines of a message to a command address: the body's, and the subject before it when the body's first line is no command.
func lines(h archive.Header, raw []byte) []string {
	body := own(raw, true)
	subject := strings.TrimSpace(answerMarks.ReplaceAllString(strings.TrimSpace(h.Text("Subject")), ""))
	if len(body) > 0 && known(body[0]) {
		return body
	}
	if !known(subject) {
		if len(body) == 0 && subject != "" {
			return []string{subject}
		}
		return body
	}
	all := []string{cut(subject, maxLine)}
	for _, line := range body { // text beside a command in the subject is none
		if !known(line) {
			break
		}
		all = append(all, line)
	}
	return all
}

// words divides a line at blanks; "quoted text" is one word.
func words(line string) []string {
	var out []string
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
	word = strings.Trim(word, "<>,;()")
	return strings.TrimPrefix(strings.TrimPrefix(word, "mailto:"), "MAILTO:")
}
