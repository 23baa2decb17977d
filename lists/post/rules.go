package post

import (
	"fmt"

	"wesouthasians.org/sangam/store"
)

// Action is what becomes of a post.
type Action string

// Actions, in the words of the log.
const (
	Accepted  Action = "accepted"
	Held      Action = "held"
	Rejected  Action = "rejected"
	Discarded Action = "discarded"
	Duplicate Action = "duplicate" // answered 250, not distributed again
	Mistaken  Action = "mistaken"  // a command: answered to its author
)

// Verdict of the rules.
type Verdict struct {
	Action  Action
	Reasons []string       // of a hold, every one; of the others the one that decided
	Codes   []string       // for each reason the name of its text in notices, and its limit behind a space
	Refusal *store.Refusal // when rejected
}

// outcome of one rule; its zero value lets the post pass.
type outcome struct {
	action  Action
	reason  string
	code    string // of a hold; of a refusal that becomes one, for other recipients took the post
	refusal *store.Refusal
}

// hold names the text that tells the author, and says the same in full to the moderator.
func hold(code, format string, args ...any) outcome {
	return outcome{action: Held, code: code, reason: fmt.Sprintf(format, args...)}
}

func reject(code string, enhanced [3]int, format string, args ...any) outcome {
	text := fmt.Sprintf(format, args...)
	return outcome{action: Rejected, reason: text, code: code, refusal: &store.Refusal{Code: 550, Enhanced: enhanced, Public: text}}
}

func discard(reason string) outcome { return outcome{action: Discarded, reason: reason} }

// rules in the order in which they are asked. The first that rejects or discards ends it; every reason to hold is kept.
var rules = []struct {
	name string
	ask  func(*Post) outcome
}{
	{"loop", loop},
	{"automatic", automatic},
	{"author", author},
	{"auth", auth},
	{"ban", ban},
	{"duplicate", duplicate},
	{"command", command},
	{"sender", maySend},
	{"moderation", moderation},
	{"content", content},
	{"size", size},
	{"recipients", recipients},
	{"empty", empty},
}

// Judge asks the rules.
func Judge(p *Post) Verdict {
	v := Verdict{Action: Accepted}
	for _, r := range rules {
		o := r.ask(p)
		switch o.action {
		case "":
		case Held:
			v.Action = Held
			v.Reasons = append(v.Reasons, o.reason)
			v.Codes = append(v.Codes, o.code)
		default:
			return Verdict{Action: o.action, Reasons: []string{o.reason}, Codes: []string{o.code}, Refusal: o.refusal}
		}
	}
	return v
}
