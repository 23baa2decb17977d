package bounce

import (
	"regexp"
	"strings"
)

var (
	autoSubject = regexp.MustCompile(`(?i)^\W*(re: ?)?(out of (the )?office|auto(matic|mated)?[ -]?(reply|response|answer)|autoreply|vacation|away from|abwesenheit|automatische antwort|réponse automatique|absence|respuesta automática|on leave|` +
		`out of the office|i am away|holiday|auto:|自動応答|自動返信|不在)|is out of the office|(please )?(confirm|verify) your (message|email|e-mail)|challenge|^(read|gelesen|lu)\s*:|read receipt|disposition notification|message (was )?read`)
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
	subject := m.header.Text("Subject")
	auto := strings.ToLower(m.header.Get("Auto-Submitted"))
	answered := strings.HasPrefix(auto, "auto-replied") || m.header.Has("X-Autoreply") || m.header.Has("X-Autorespond") || m.header.Has("X-Autoresponder") ||
		strings.EqualFold(m.header.Get("Precedence"), "auto_reply")
	return autoSubject.MatchString(subject) || answered && !bounceSubject.MatchString(subject) && !bounceSender.MatchString(m.header.Text("From"))
}
