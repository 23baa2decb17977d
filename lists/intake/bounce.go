package intake

import (
	"bytes"
	"errors"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/store"
)

// bounce records a permanent failure that a delivery report (RFC 3464) tells of a member's copy. Everything else that
// comes to a return path is logged: it has no reader.
func (in *Intake) bounce(e Envelope, r lists.Route, raw []byte) error {
	m, err := in.Store.MemberByID(r.Member)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return notNow(err)
	}
	line := []any{"id", e.ID, "list", r.List.Address(), "member", m.Address, "sender", e.Sender, "size", len(raw)}
	answer := permanentFailure(raw)
	if answer == "" || err != nil {
		in.Log.Info("discarded", append(line, "reasons", []string{"no report of a permanent failure of a member"})...)
		return nil
	}
	if err := in.Store.RecordFailure(store.FailedCopy{Member: m.ID, Recipient: m.Address, Answer: answer, At: in.Now().UTC()}); err != nil {
		return in.failed(err)
	}
	in.Log.Info("failed", append(line, "answer", answer)...)
	return nil
}

// permanentFailure returns the Diagnostic-Code or Status of a delivery report whose action is failed.
func permanentFailure(raw []byte) string {
	root := archive.Parse(raw)
	for _, p := range root.Parts {
		if p.MediaType() != "message/delivery-status" {
			continue
		}
		for block := range bytes.SplitSeq(archive.CRLF(p.Decode(raw, 1<<16)), []byte("\r\n\r\n")) {
			h := archive.ParseHeader(block)
			if strings.EqualFold(h.Get("Action"), "failed") && strings.HasPrefix(h.Get("Status"), "5") {
				return strings.TrimSpace(h.Get("Status") + " " + h.Text("Diagnostic-Code"))
			}
		}
	}
	return ""
}
