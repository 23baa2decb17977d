package intake

import (
	"context"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// owners of a list; of one without any, the admins.
func (in *Intake) owners(l store.List) ([]store.Address, error) {
	var to []store.Address
	for m, err := range in.Store.Members(l.ID, "") {
		if err != nil {
			return nil, err
		}
		if m.Role == store.RoleOwner {
			to = append(to, m.Address)
		}
	}
	if len(to) == 0 {
		return in.Admins, nil
	}
	return to, nil
}

// forward queues a message for the people behind a role address. Its return path is null, so that a full mailbox makes no
// mail to the role address in turn, and Delivered-To breaks loops.
func (in *Intake) forward(ctx context.Context, e Envelope, role string, to []store.Address, raw []byte) error {
	if len(to) == 0 {
		return refusal(450, [3]int{4, 2, 1}, nil, "nobody reads mail to this address at present: try again later")
	}
	for _, v := range archive.ParseHeader(raw).Values("Delivered-To") {
		if strings.EqualFold(strings.TrimSpace(v), role) {
			return refusal(554, [3]int{5, 4, 6}, nil, "mail loop: this message has been to this address already")
		}
	}
	j, err := in.Store.Enqueue(ctx, store.Job{Created: in.Now().UTC(), To: to},
		append([]byte("Delivered-To: "+role+"\r\n"), archive.CRLF(raw)...))
	if err != nil {
		return in.failed(err)
	}
	in.Log.Info("accepted", "id", e.ID, "role", role, "sender", e.Sender, "recipients", len(to), "job", j.ID)
	return nil
}
