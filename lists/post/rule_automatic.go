package post

import (
	"regexp"
	"slices"
	"strings"

	"wesouthasians.org/sangam/store"
)

// Fields that programs put on their replies, older than Auto-Submitted.
var autoReplyFields = []string{"X-Autoreply", "X-Autoreply-From", "X-Autorespond", "X-Mail-Autoreply", "X-Vacation"}

// Subjects of absent people, where a colon or nothing follows.
var absence = regexp.MustCompile(`(?i)^(automatic reply|auto[- ]?reply|autoreply|out of (the )?office|vacation (reply|notice)|` +
	`abwesenheitsnotiz|automatische antwort|réponse automatique|respuesta automática|resposta automática|risposta automatica|` +
	`自动回复|自動回覆|स्वतः उत्तर)\s*(:|：|$)`)

// automatic keeps away what no person wrote (RFC 3834 section 2): answers of programs vanish, for an answer to them would
// loop; other automatic mail, which an owner may want, waits. Precedence: list and the List-Id of another list are no
// signs of it, for people write to both.
func automatic(p *Post) outcome {
	keyword := firstWord(p.Header.Get("Auto-Submitted"))
	precedence := firstWord(p.Header.Get("Precedence"))
	absent := absence.MatchString(strings.TrimSpace(p.Described.Post.Subject))
	switch {
	case p.Sender == "":
		return discard("automatic mail: null return path")
	case keyword == "auto-replied", keyword == "auto-notified":
		return discard("automatic mail: Auto-Submitted: " + keyword)
	case precedence == "auto_reply", slices.ContainsFunc(autoReplyFields, p.Header.Has),
		absent && p.Header.Has("X-Auto-Response-Suppress"):
		return discard("automatic mail: an automatic reply")
	case slices.ContainsFunc(p.Authors(), isRobot):
		return discard("automatic mail: from " + string(p.Described.Post.Author))
	case absent:
		return hold("automatic", "automatic mail: its subject is that of an automatic reply")
	case keyword != "" && keyword != "no":
		return hold("automatic", "automatic mail: Auto-Submitted: %s", keyword)
	case precedence == "bulk" || precedence == "junk":
		return hold("automatic", "automatic mail: Precedence: %s", precedence)
	case firstWord(p.Header.Get("Content-Type")) == "multipart/report":
		return hold("automatic", "automatic mail: a report")
	}
	return outcome{}
}

// firstWord of a field, before comments and parameters, in lower case.
func firstWord(value string) string {
	value, _, _ = strings.Cut(value, ";")
	value, _, _ = strings.Cut(value, "(")
	value = strings.ToLower(strings.TrimSpace(value))
	return value[:min(len(value), 60)]
}

func isRobot(a store.Address) bool { return a.Local() == "mailer-daemon" }

// Automatic tells why a message must not be answered; empty when a person wrote it.
func (p *Post) Automatic() string {
	if o := automatic(p); o.action != "" {
		return o.reason
	}
	for _, name := range []string{"List-Id", "List-Post", "X-Loop"} {
		if p.Header.Has(name) {
			return "automatic mail: " + name
		}
	}
	if v := firstWord(p.Header.Get("Precedence")); v == "list" {
		return "automatic mail: Precedence: " + v
	}
	if len(p.Header.Values("Received")) > maxReceived {
		return "mail loop"
	}
	return ""
}
