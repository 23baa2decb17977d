package intake

import (
	"errors"
	"slices"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/bounce"
	"wesouthasians.org/sangam/store"
)

// bounce records a permanent failure that a report tells of a member's copy. Whose copy it was the return path says, and not
// the report, which anybody may write. Everything else that comes to a return path is logged: it has no reader.
func (in *Intake) bounce(e Envelope, r lists.Route, raw []byte) error {
	m, err := in.Store.MemberByID(r.Member)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return notNow(err)
	}
	report := bounce.Read(raw)
	line := []any{"id", e.ID, "list", r.List.Address(), "member", m.Address, "sender", e.Sender, "size", len(raw), "kind", report.Kind, "answer", report.Answer}
	if err != nil || !permanent(report) {
		in.Log.Info("discarded", append(line, "reasons", []string{"no report of a permanent failure of a member"})...)
		return nil
	}
	if err := in.Store.RecordFailure(store.FailedCopy{Member: m.ID, Recipient: m.Address, Answer: report.Answer, At: in.Now().UTC()}); err != nil {
		return in.failed(err)
	}
	in.Log.Info("failed", line...)
	return nil
}

func permanent(r bounce.Report) bool {
	return r.Kind == bounce.Bounce && slices.ContainsFunc(r.Recipients, func(rc bounce.Recipient) bool { return rc.Permanent })
}
