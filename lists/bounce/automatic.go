package bounce

import "strings"

// Fields of programs that answer for people, older than Auto-Submitted, and of those that challenge strangers.
var (
	answerFields    = []string{"X-Autoreply", "X-Autoreply-From", "X-Autorespond", "X-Autoresponder", "X-Mail-Autoreply", "X-Vacation"}
	challengeFields = []string{"X-Boxtrapper", "X-Tmda-Fingerprint", "X-Spamarrest-Customer"}
)

// automatic tells whether a program answered a person's mail: an absence, a challenge, a receipt. A report is none of these,
// whatever its Auto-Submitted says (RFC 3834 section 3.1.7).
func automatic(m *message) bool {
	report := strings.ToLower(m.root.Params["report-type"])
	if _, ok := refused(m); ok {
		return false
	}
	switch {
	case report == "disposition-notification":
		return true
	case report == "delivery-status", report == "global-delivery-status", report == "feedback-report":
		return false
	case len(parts(m.root, "message/delivery-status", "message/global-delivery-status", "message/feedback-report")) > 0:
		return false
	case len(parts(m.root, "message/disposition-notification")) > 0:
		return true
	case m.header.Has("X-Failed-Recipients"):
		return false
	}
	robotic := reportSubject(m.subject) || bounceSender.MatchString(m.from)
	answered := strings.HasPrefix(strings.ToLower(m.header.Get("Auto-Submitted")), "auto-replied") || m.hasAny(answerFields) ||
		strings.EqualFold(m.header.Get("Precedence"), "auto_reply")
	return autoSubject.MatchString(m.subject) || challenges(m, robotic) || answered && !robotic
}

// challenges tells whether a program asks the sender to prove something: that a person wrote, that an address subscribes.
func challenges(m *message, robotic bool) bool {
	return challengeSubject.MatchString(m.subject) || m.hasAny(challengeFields) || strings.HasPrefix(m.header.Get("X-Delivery-Agent"), "TMDA") ||
		!robotic && challengeText.MatchString(m.text)
}

func (m *message) hasAny(names []string) bool {
	for _, name := range names {
		if m.header.Has(name) {
			return true
		}
	}
	return false
}
