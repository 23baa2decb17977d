package bounce

import (
	"strings"

	"wesouthasians.org/sangam/store"
)

// maxLook is how far behind an address its reason may stand, in lines.
const maxLook = 8

// looksLikeReport tells whether subject or sender are those of programs that report failures. A reply is written by people.
func (m *message) looksLikeReport() bool {
	return reportSubject(m.subject) || bounceSender.MatchString(m.from) || bounceSubject.MatchString(m.subject) && declares.MatchString(m.text)
}

func reportSubject(s string) bool { return bounceSubject.MatchString(s) && !reply.MatchString(s) }

// failedField reads the X-Failed-Recipients field of Exim and of Gmail.
func failedField(m *message) (Report, bool) {
	var found []mention
	lines := m.linesByAddress()
	for _, v := range m.header.Values("X-Failed-Recipients") {
		for part := range strings.SplitSeq(v, ",") {
			if a := mailAddress(part); a != "" && len(found) < maxRecipients {
				at := -1
				if len(lines[a]) > 0 {
					at = lines[a][0]
				}
				found = append(found, mention{address: a, line: at})
			}
		}
	}
	return Report{Kind: Bounce, Answer: oneLine(firstCode(m.text)), Recipients: m.judge(found)}, len(found) > 0
}

// prose reads reports written for people. First it must look like a report at all; then the addresses in front of the
// returned message are those that failed, but for the ones that the report is from or to.
func prose(m *message) (Report, bool) {
	known := reportSubject(m.subject) || trouble.MatchString(m.text) || machine.MatchString(m.from) // the last in a language that is not
	if !known || !m.looksLikeReport() {
		return Report{}, false
	}
	found := m.mentions()
	return Report{Kind: Bounce, Answer: oneLine(firstCode(m.text)), Recipients: m.judge(found)}, len(found) > 0
}

// mention of an address that failed, and its line.
type mention struct {
	address store.Address
	line    int // -1: not in the text
}

// mentions finds the addresses that a text says failed: those that begin a line of their own, else those in a sentence of failure.
func (m *message) mentions() []mention {
	var strong, weak, far []mention
	asked := map[store.Address]bool{} // those whom one may ask about the failure
	for i, line := range m.lines {
		if len(line) > maxLine || len(strong)+len(weak)+len(far) > maxRecipients || !strings.Contains(line, "@") {
			continue
		}
		asks := contact.MatchString(plainAddress.ReplaceAllString(line, "@")) && !rcptTo.MatchString(line)
		for k, at := range plainAddress.FindAllStringIndex(line, 5) {
			a := mailAddress(line[at[0]:at[1]])
			if a == "" || !strings.Contains(a.Domain(), ".") || m.ours[a] || robot(a) || nameOfMessage.MatchString(line[:at[0]]) {
				continue
			}
			switch {
			case generated.MatchString(line):
				if i > 0 && !strings.Contains(m.lines[i-1], "@") { // else the address that it became stands there
					strong = append(strong, mention{a, i})
				}
			case expanded.MatchString(line), k == 0 && alone.MatchString(line) && !contact.MatchString(line[:at[0]]) && !headerOfMessage(m.lines[i:]):
				strong = append(strong, mention{a, i})
			case asks:
				asked[a] = true
			case !asked[a] && m.trouble(i, i+2):
				weak = append(weak, mention{a, i})
			case !asked[a] && m.trouble(i, i+4):
				far = append(far, mention{a, i})
			}
		}
	}
	for _, found := range [][]mention{strong, weak} {
		if len(found) > 0 {
			return found
		}
	}
	return far
}

// trouble tells whether the lines in front of line i, or those from it to before end, speak of a failure.
func (m *message) trouble(i, end int) bool {
	return trouble.MatchString(strings.Join(m.lines[max(0, i-2):min(len(m.lines), end)], "\n"))
}

// headerOfMessage tells whether a To line is of a summary of the returned message.
func headerOfMessage(lines []string) bool {
	if !summaryTo.MatchString(lines[0]) {
		return false
	}
	for _, line := range lines[1:min(4, len(lines))] {
		if subjectLine.MatchString(line) {
			return true
		}
	}
	return false
}

func robot(a store.Address) bool {
	switch a.Local() {
	case "mailer-daemon", "postmaster", "abuse", "root", "mail-daemon", "noreply", "no-reply":
		return true
	}
	return false
}

// judge gives each address its action and its reason: what stands behind it, or at another mention of it, as in a transcript. What the
// report says as a whole is the reason of those for whom nothing else is said.
func (m *message) judge(found []mention) []Recipient {
	var rs []Recipient
	lines, actions := m.linesByAddress(), m.actions()
	own := false // some address has a reason of its own
	for _, f := range found {
		rc := Recipient{Address: f.address, Action: m.action}
		words := ""
		if f.line >= 0 {
			words = m.around(f.line)
			rc.Status = code(words)
			if actions[f.line] != "" {
				rc.Action = actions[f.line]
			}
		}
		for _, i := range lines[f.address] {
			if rc.Status != "" {
				break
			}
			rc.Status = code(m.around(i))
		}
		own = own || rc.Status != ""
		rc.Permanent, rc.Hard = permanent(rc.Status, words), Hard(rc.Status+" "+words)
		rs = append(rs, rc)
	}
	whole := m.subject + "\n" + m.text
	general, gentle := code(whole), passing.MatchString(whole)
	for i := range rs {
		rc := &rs[i]
		if rc.Status == "" && (!own || len(rs) == 1) && rc.Action == m.action {
			rc.Status, rc.Permanent = general, permanent(general, "")
			rc.Hard = rc.Hard && !gentle && Hard(general)
		}
		rc.Permanent = rc.Permanent && rc.Action == failed
		rc.Hard = rc.Hard && rc.Permanent
	}
	return rs
}

const (
	maxLine     = 2000 // a longer one is no sentence
	maxMentions = 4    // of one address
)

// linesByAddress tells where each address is mentioned first.
func (m *message) linesByAddress() map[store.Address][]int {
	at := map[store.Address][]int{}
	for i, line := range m.lines {
		if len(line) > maxLine || !strings.Contains(line, "@") {
			continue
		}
		for _, s := range plainAddress.FindAllString(line, 5) {
			if a := mailAddress(s); len(at[a]) < maxMentions {
				at[a] = append(at[a], i)
			}
		}
	}
	return at
}

// around is the line and what is said behind it, up to the next address.
func (m *message) around(i int) string {
	end := min(len(m.lines), i+maxLook)
	for j := i + 1; j < end; j++ {
		if len(m.lines[j]) > maxLine || strings.Contains(m.lines[j], "-----") || strings.Contains(m.lines[j], "@") && alone.MatchString(m.lines[j]) {
			end = j
		}
	}
	if len(m.lines[i]) > maxLine {
		return ""
	}
	return strings.Join(m.lines[i:end], "\n")
}

// actions of lines, where the report has a section for what failed and one for what is still tried.
func (m *message) actions() map[int]string {
	of := map[int]string{}
	section := ""
	for i, line := range m.lines {
		switch {
		case transientSection.MatchString(line):
			section = delayed
		case fatalSection.MatchString(line):
			section = failed
		case strings.Contains(line, "-----"):
			section = ""
		}
		if section != "" {
			of[i] = section
		}
	}
	return of
}

// actionOfText tells a delay from a failure by what the whole report says.
func (m *message) actionOfText() string {
	if tried.MatchString(m.subject) || tried.MatchString(m.text) && !gaveUp.MatchString(m.text) && !smtp5.MatchString(m.text) {
		return delayed
	}
	return failed
}

// firstCode is the first line that has a code in it.
func firstCode(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) <= maxLine && code(line) != "" {
			return line
		}
	}
	return ""
}
