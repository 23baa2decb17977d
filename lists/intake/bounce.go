package intake

import (
	"context"
	"errors"
	"slices"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/bounce"
	"wesouthasians.org/sangam/store"
)

// bounce scores the failure that a report tells of a member's copy, and asks a member who complained. Whose copy it was the return path
// says, and not the report, which anybody may write. Everything else that comes to a return path is logged: it has no reader.
func (in *Intake) bounce(ctx context.Context, e Envelope, r lists.Route, raw []byte) error {
	m, err := in.Store.MemberByID(r.Member)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return notNow(err)
	}
	report := bounce.Read(raw)
	line := []any{"id", e.ID, "list", r.List.Address(), "member", m.Address, "sender", e.Sender, "size", len(raw), "kind", report.Kind, "answer", report.Answer}
	switch {
	case err == nil && report.Kind == bounce.Complaint:
		err = in.Members.Complain(ctx, r.List, m.Address, "marked as unwanted by the reader")
	case err == nil && report.Kind == bounce.Bounce:
		permanent := slices.ContainsFunc(report.Recipients, func(rc bounce.Recipient) bool { return rc.Permanent })
		err = in.Store.RecordFailure(store.FailedCopy{Member: m.ID, Permanent: permanent, Recipient: m.Address, Answer: report.Answer, At: in.Now().UTC()})
	default:
		in.Log.Info("discarded", append(line, "reasons", []string{"no report of a failure of a member"})...)
		return nil
	}
	if err != nil {
		return in.failed(err)
	}
	in.Log.Info("failed", line...)
	return nil
}
