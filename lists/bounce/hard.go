package bounce

import (
	"regexp"
	"strings"
)

var (
	enhanced = regexp.MustCompile(`\b[45]\.\d{1,3}\.\d{1,3}\b`)
	smtpCode = regexp.MustCompile(`(?:^|[\s:;<>("'=#\[,-])([45][0-5]\d)(?:[\s:;,)("'\].-]|$)`)

	// passing are reasons that end by themselves: a full mailbox, a host that is silent for a time.
	passing = regexp.MustCompile(`(?i)(mail ?box|inbox|account|storage|disk|quota)\W+(\w+\W+){0,4}(full|exceed|over|limit)|over (the |its |his |their )?(disk |mailbox |storage )?(quota|limit)|(quota|size|space|limit)\W+(\w+\W+){0,3}exceed|` +
		`exceed\w*\W+(\w+\W+){0,4}(quota|allowed size|size limit|storage|space)|(space|storage) not enough|not enough (space|storage)|insufficient (disk|storage|space)|` +
		`retry time(out)? (not reached|exceeded)|failing for a long time|queue too long|timed? ?out|timeout|(message|delivery|envelope) (time )?expired|temporar|try again (later|in )|later again|again later|no answer from|could not connect|connection refused|connect to|` +
		`postfach (ist )?voll|überfüllt|boîte .{0,20}pleine|quota dépassé|buz[oó]n .{0,12}lleno|caixa .{0,12}cheia|casella .{0,12}piena|переполнен|容量|一杯|满|滿|已超出|초과|가득`)

	// final ends the tries.
	final = regexp.MustCompile(`(?i)not going to try again|in the queue too long`)

	// policy is a judgement of the message or of who sent it, not of the address.
	policy = regexp.MustCompile(`(?i)\bspam|unsolicited|\bvirus|malware|\bdmarc\b|\bspf\b|\bdkim\b|unauthenticated|authenticat|black ?list|block ?list|\bdnsbl|\brbl\b|reputation|policy|content (reject|filter)|message rejected|(message|mail) (too large|size|exceeds)|too (big|large)|rate limit|prohibited|attachment`)

	// nobody says that the address leads nowhere, whatever the code.
	nobody = regexp.MustCompile(`(?i)(user|recipient|mailbox|account|address|addressee)\b.{0,60}\b(unknown|not (exist|found|valid|known|available)|does ?n.?t exist|invalid|disabled|inactive|closed|suspended|no longer)|(unknown|no such|invalid|non-?existent) (user|recipient|mailbox|account|address)|user unknown`)
)

// code is the enhanced status code of a failure in a text, else the SMTP code.
func code(text string) string {
	if status := enhanced.FindString(text); status != "" {
		return status
	}
	if m := smtpCode.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// permanent judges by the class of the code (RFC 3463 section 2, RFC 5321 section 4.2.1). A report of failure without a code is one
// for good, and so is one that says that the message will not be tried again.
func permanent(status, words string) bool {
	return !strings.HasPrefix(status, "4") || final.MatchString(words)
}

// Hard tells whether words by which a remote refused for good, or a report's status and words, say that nothing sent to this address
// arrives. A full mailbox is emptied again (RFC 3463 calls X.2.2 a persistent transient failure), and what was refused as spam, by a
// policy or for its size was this message: members must not lose a list because one post displeased their provider.
func Hard(words string) bool {
	words = words[:min(len(words), 1000)]
	status := code(words)
	if strings.HasPrefix(status, "4") {
		return false
	}
	if nobody.MatchString(words) {
		return !strings.HasPrefix(status, "5.2.2")
	}
	switch {
	case status == "552", strings.HasPrefix(status, "5.2.2"), strings.HasPrefix(status, "5.2.3"), strings.HasPrefix(status, "5.3.4"),
		strings.HasPrefix(status, "5.6."), strings.HasPrefix(status, "5.7."):
		return false
	}
	return !policy.MatchString(words) && !passing.MatchString(words)
}
