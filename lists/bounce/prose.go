package bounce

import (
	"regexp"
	"slices"
	"strings"

	"wesouthasians.org/sangam/store"
)

var (
	smtpCode = regexp.MustCompile(`\b[45][0-5]\d\b`)

	// returned is where the returned message begins in a text.
	returned = regexp.MustCompile(`(?im)^[> ]*(-{2,}.*(original|below this line|copy of (the|your) message|unsent message|returned message|message header|header of|forwarded message|message follows).*|` +
		`received: (from|by|\().*|return-path: ?.*|(the )?original message (follows|headers?|text).*:?|=== original message ===.*|\*\*\* original message.*|your (original )?message (text )?follows:?.*)$`)

	// bounceSubject and bounceSender are what programs say that report failures.
	bounceSubject = regexp.MustCompile(`(?i)undeliver|returned (mail|to sender)|return(ed)? receipt failed|delivery (status|failure|failed|error|problem|notification|report|has failed|unsuccessful|attempt)|` +
		`failure (notice|delivery)|mail (delivery|system|failure|error)|not delivered|non.?delivery|nondeliverable|could ?n.?t be (sent|delivered)|could not (be )?(send|sent|deliver)|unable to deliver|` +
		`message (status|delivery|not delivered|could not)|unzustellbar|fehlgeschlagen|échec|non remis|no entregad|user unknown|address.*(unknown|invalid)|bounce|warning: could not|failed (mail|to deliver)|` +
		`email (problem|rejected)|error (mail|sending)|配送|エラー|不達|rejected|invalid recipient|mailbox (full|unavailable)|delayed|quota`)
	bounceSender = regexp.MustCompile(`(?i)mailer.?daemon|post.?master|mail.?system|mail delivery|mdaemon|maildeliver|mailadm|delivery|amavis|virus|content.?filter|no.?reply|mail.?gate|nobody|root@|^\s*<?>?\s*$`)

	delayed = regexp.MustCompile(`(?i)(delivery )?(delayed|delay)\b|warning: (message|could not)|will (continue to |keep |be )?(try|retry|retri)|(still|again) (be )?(trying|tried)|not been delivered yet|` +
		`(has|have) not yet been|attempts will continue|no action is required|do not need to (re)?send|this is a warning|temporarily deferred`)
	gaveUp = regexp.MustCompile(`(?i)(permanent|fatal) error|(given|gave|giving) up|giving up|will not be (re)?tried|no further (attempt|deliver)|retry (time|timeout) (not reached|exceeded)|` +
		`(message|delivery) expired|too (long|old)|queue too long|maximum (time|retr)|(for|more than) \d+ days?`)
)

// maxLook is how far behind an address its reason may stand, in lines.
const maxLook = 8

// prose reads reports written for people. First it must look like a report at all; then the addresses in front of the
// returned message are those that failed, but for the ones that the report is from or to.
func prose(m *message) (Report, bool) {
	from, subject := m.header.Text("From"), m.header.Text("Subject")
	if !bounceSubject.MatchString(subject) && !bounceSender.MatchString(from) {
		return Report{}, false
	}
	text := m.text
	if at := returned.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	lines := strings.Split(text, "\n")
	r := Report{Kind: Bounce, Answer: oneLine(firstCode(text))}
	act := action(m)
	for _, found := range failures(lines, m.ours) {
		status := code(around(lines, found.line))
		if status == "" {
			status = code(subject + "\n" + text)
		}
		permanent := !strings.HasPrefix(status, "4") || gaveUp.MatchString(text)
		r.Recipients = append(r.Recipients, Recipient{found.address, act, status, permanent && act == "failed"})
	}
	return r, len(r.Recipients) > 0
}

type failure struct {
	address store.Address
	line    int
}

var (
	alone         = regexp.MustCompile(`^[\s>*-]*(?:(?i:to|recipient|recipient address|final recipient|original address|undeliverable address|failed address|invalid address|rcpt to|user|mailto|address|email|e-mail|e-mail address|original recipient|failed recipient|intended recipient|addressee|宛先)\s*[:=]?\s*)?["'(<\[]*[^\s<>"']+@[^\s<>"']+[>"')\]]*[:;,.]?(?:\s*\(.*|\s*$|\s+[-:(<].*|\s*\.\.\..*|:.*)`)
	inProse       = regexp.MustCompile(`(?i)\b[45]\d\d\b|\b[45]\.\d\.\d|unknown|not (be|found|exist|deliver|reach|known)|doesn.?t|could ?n.?t|cannot|can't|failed|fail(ure|s)?|reject|refus|invalid|undeliver|unable|full|quota|disabled|denied|exceed|no longer|wrong|did not|no such|unreachable|error|unavailable|inactive|terminated|rcpt to|delivery to|recipient|blocked`)
	origin        = regexp.MustCompile(`(?i)\((generated from|originally addressed to|expanded from|was):?\s+[^\s)]+@`)
	nameOfMessage = regexp.MustCompile(`(?i)(message-?id|\bid)\s*[:=]?\s*<?$|https?://\S*$`)
	contact       = regexp.MustCompile(`(?i)contact|questions|assistance|help|report (this|it|to)|please (send|mail|write|forward|visit|call)|mailto:|^\s*(from|sender|reply-to|cc|return-path|originator)\s*[:=]|sent by|from address|reporting|on behalf|message from|sender address|mail from|administrator`)
)

// failures finds the addresses that a text says failed: those that begin a line of their own, else those in a sentence of failure.
func failures(lines []string, ours []string) []failure {
	var strong, weak []failure
	for i, line := range lines {
		if len(line) > 2000 || contact.MatchString(line) && !strings.Contains(strings.ToLower(line), "rcpt to") {
			continue
		}
		for _, s := range plainAddress.FindAllString(line, 5) {
			a := mailAddress(s)
			if a == "" || !strings.Contains(a.Domain(), ".") || slices.Contains(ours, string(a)) || robot(a) || messageID(line, s) {
				continue
			}
			switch {
			case origin.MatchString(line), alone.MatchString(line) && !headerOfMessage(lines[i:]):
				strong = append(strong, failure{a, i})
			case inProse.MatchString(strings.Join(lines[max(0, i-2):min(len(lines), i+2)], "\n")):
				weak = append(weak, failure{a, i})
			}
		}
	}
	if len(strong) > 0 {
		return strong
	}
	return weak
}

var subjectLine = regexp.MustCompile(`(?i)^[\s>]*(subject|subj|date|sent)\s*:`)

// headerOfMessage tells whether a To line is of a summary of the returned message.
func headerOfMessage(lines []string) bool {
	if !strings.HasPrefix(strings.ToLower(strings.TrimLeft(lines[0], " \t>")), "to:") {
		return false
	}
	return slices.ContainsFunc(lines[1:min(4, len(lines))], subjectLine.MatchString)
}

func robot(a store.Address) bool {
	switch a.Local() {
	case "mailer-daemon", "postmaster", "abuse", "root", "mail-daemon", "noreply", "no-reply":
		return true
	}
	return false
}

// messageID tells whether what looks like an address is the name of a message.
func messageID(line, s string) bool {
	at := strings.Index(line, s)
	return nameOfMessage.MatchString(line[:at])
}

func around(lines []string, i int) string {
	end := min(len(lines), i+maxLook)
	for j := i + 1; j < end; j++ {
		if j > i+1 && alone.MatchString(lines[j]) { // the next one begins
			end = j
		}
	}
	return strings.Join(lines[i:end], "\n")
}

// code is the enhanced status code in a text, else the SMTP code.
func code(text string) string {
	if status := enhanced.FindString(text); status != "" {
		return status
	}
	return smtpCode.FindString(text)
}

// action tells a delay from a failure by what the whole report says.
func action(m *message) string {
	subject := m.header.Text("Subject")
	text := m.text
	if at := returned.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	if delayed.MatchString(subject) || delayed.MatchString(text) && !gaveUp.MatchString(text) && !smtp5.MatchString(text) {
		return "delayed"
	}
	return "failed"
}

var smtp5 = regexp.MustCompile(`\b5\d\d[ -]|\b5\.\d\.\d`)

// firstCode is the first line that has a code in it.
func firstCode(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if smtpCode.MatchString(line) || enhanced.MatchString(line) {
			return line
		}
	}
	return ""
}
