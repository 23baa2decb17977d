package intake

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/bounce"
	"wesouthasians.org/sangam/store"
)

// bounce scores the failure that a report tells of a member's copy, and asks a member who complained. Whose copy it was the return path
// says, and not the report, which anybody may write. Everything else that comes to a return path is logged: it has no reader.
func (in *Intake) bounce(ctx context.Context, e Envelope, r lists.Route, raw []byte) error {
	report := bounce.Read(raw)
	if r.Member == 0 {
		return in.unaddressed(ctx, e, r.List, raw, report)
	}
	m, err := in.Store.MemberByID(r.Member)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return notNow(err)
	}
	line := in.returnedLine(e, r.List, m.Address, raw, report)
	switch {
	case err == nil && report.Unwanted:
		err = in.complain(ctx, m)
	case err == nil && report.Kind == bounce.Bounce:
		err = in.Store.RecordFailure(store.FailedCopy{Member: m.ID, Permanent: report.Hard(), Recipient: m.Address, Answer: report.Answer, At: in.Now().UTC()})
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

func (in *Intake) returnedLine(e Envelope, l store.List, a store.Address, raw []byte, r bounce.Report) []any {
	return []any{"id", e.ID, "list", l.Address(), "member", a, "sender", e.Sender, "size", len(raw), "kind", r.Kind, "answer", r.Answer}
}

// unaddressed takes what comes to the address in the Sender field, which says nothing about a member. A person who writes there learns
// that nobody reads it.
func (in *Intake) unaddressed(ctx context.Context, e Envelope, l store.List, raw []byte, report bounce.Report) error {
	h := archive.ParseHeader(raw)
	auto := strings.ToLower(h.Get("Auto-Submitted"))
	if report.Kind == bounce.Unknown && e.Sender != "" && (auto == "" || auto == "no") {
		return refusal(550, [3]int{5, 1, 1}, nil, "nobody reads mail to this address: write to %s or to %s-owner@%s", l.Address(), l.Name, l.Domain)
	}
	m, err := in.complainant(report)
	if err != nil {
		return notNow(err)
	}
	line := in.returnedLine(e, l, m.Address, raw, report)
	if m.ID != 0 {
		if err := in.complain(ctx, m); err != nil {
			return in.failed(err)
		}
		in.Log.Info("failed", line...)
		return nil
	}
	in.Log.Info("discarded", append(line, "reasons", []string{"no report of a failure of a member"})...)
	return nil
}

var (
	linkToken    = regexp.MustCompile(`/u/([a-z2-7]{20,40})\b`)
	addressToken = regexp.MustCompile(`[^\s<>:,"]+[-+](?:bounces|leave)\+[a-z2-7]{20,40}@[^\s<>?,"]+`)
)

// complainant is the member whose copy a complaint has attached: its return path or its way to leave, which only this site can make.
// Reporters hide the reader's address, and it would prove nothing. Zero when there is none.
func (in *Intake) complainant(r bounce.Report) (m store.Member, err error) {
	if !r.Unwanted {
		return m, nil
	}
	for _, name := range []string{"List-Unsubscribe", "Return-Path", "X-Original-Return-Path", "Received", "Authentication-Results"} {
		for _, v := range r.Returned.Values(name) {
			id := in.memberOf(v)
			if id == 0 {
				continue
			}
			m, err = in.Store.MemberByID(id)
			if errors.Is(err, store.ErrNotFound) {
				return store.Member{}, nil
			}
			return m, err
		}
	}
	return m, nil
}

// memberOf is the member whom a field of a copy names by a token of ours; 0 when there is none.
func (in *Intake) memberOf(field string) uint64 {
	for _, f := range linkToken.FindAllStringSubmatch(field, 3) {
		if id, ok := in.Addresses.ReadUnsubscribe(f[1]); ok {
			return id
		}
	}
	for _, a := range addressToken.FindAllString(field, 3) {
		if r, err := in.Addresses.Resolve(a); err == nil && r.Member != 0 {
			return r.Member
		}
	}
	return 0
}

func (in *Intake) complain(ctx context.Context, m store.Member) error {
	l, err := in.Store.ListByID(m.List)
	if err != nil {
		return err
	}
	return in.Members.Complain(ctx, l, m.Address, "marked as unwanted by the reader")
}

// site forwards mail for postmaster@ and abuse@ to the admins. That is where providers send complaints, and one about a member's copy is
// acted on too.
func (in *Intake) site(ctx context.Context, e Envelope, raw []byte) error {
	m, err := in.complainant(bounce.Read(raw))
	if err != nil {
		return notNow(err)
	}
	if m.ID != 0 {
		if err := in.complain(ctx, m); err != nil {
			return in.failed(err)
		}
	}
	return in.forward(ctx, e, "postmaster@"+in.Site.DefaultDomain, in.Admins, raw)
}
