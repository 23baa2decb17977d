// Package intake takes one received message, resolves every recipient and combines the results. The SMTP server calls it
// while its client waits; what it answers with nil is durable.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Envelope is what the transport knows of a message.
type Envelope struct {
	ID      string         // of the transaction, for the log
	Remote  netip.AddrPort // zero for a unix socket
	Helo    string
	TLS     bool
	Trusted bool   // from trusted_networks or by LMTP
	LMTP    bool   // one answer a recipient; SMTP has one for all
	Sender  string // MAIL FROM as given, empty for the null return path
	Auth    post.Auth
	// Suspicion is what the content check holds against it; empty: nothing.
	Suspicion string
}

// Members is what intake asks of memberships.
type Members interface {
	Leave(ctx context.Context, member uint64) error
	Complain(ctx context.Context, l store.List, a store.Address, answer string) error
}

// Clerk does commands.
type Clerk interface {
	Take(ctx context.Context, r lists.Route, m command.Mail) error
	Confirm(ctx context.Context, r lists.Route, m command.Mail) error
	Mistaken(ctx context.Context, p *post.Post, m command.Mail) error
}

// Desk holds posts.
type Desk interface {
	Hold(ctx context.Context, p *post.Post, reasons, codes []string) (store.Held, error)
	Receipt(p *post.Post) (func(number uint64) store.Letter, error)
}

// Options of New.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Members   Members
	Clerk     Clerk
	Desk      Desk
	Site      post.Site
	Admins    []store.Address
	Now       func() time.Time
	Log       *slog.Logger
}

// Intake takes messages. It is safe for concurrent use.
type Intake struct {
	Options
	broken atomic.Bool // the last write failed
}

// New returns an intake.
func New(o Options) *Intake { return &Intake{Options: o} }

// maxJobs of a list that are not delivered: behind them the list is full of work.
const maxJobs = 10_000

func refusal(code int, enhanced [3]int, cause error, format string, args ...any) *store.Refusal {
	return &store.Refusal{Code: code, Enhanced: enhanced, Public: fmt.Sprintf(format, args...), Cause: cause}
}

func notNow(cause error) *store.Refusal {
	return refusal(451, [3]int{4, 3, 0}, cause, "the message cannot be stored now: try again later")
}

// Recipient resolves one recipient at RCPT. Its errors are *store.Refusal: 550 5.1.1 for an unknown one, 4xx when the store
// cannot write or the list has too much work.
func (in *Intake) Recipient(ctx context.Context, e Envelope, to string) error {
	if in.broken.Load() {
		if err := in.Store.Writable(); err != nil {
			return notNow(err)
		}
		in.broken.Store(false)
	}
	r, err := in.resolve(to)
	if err != nil {
		return err
	}
	if r.Kind == lists.KindPost {
		n, err := in.Store.CountJobs(r.List.ID)
		if err != nil {
			return notNow(err)
		}
		if n >= maxJobs {
			return refusal(452, [3]int{4, 3, 1}, nil, "too many posts of this list wait for delivery: try again later")
		}
	}
	return nil
}

func (in *Intake) resolve(to string) (lists.Route, error) {
	r, err := in.Addresses.Resolve(to)
	if errors.Is(err, lists.ErrUnknown) {
		return r, refusal(550, [3]int{5, 1, 1}, nil, "there is no such address here: check its spelling")
	}
	if err != nil {
		return r, notNow(err)
	}
	return r, nil
}

// Deliver takes the message, our Received field on top, and returns one result a recipient, in order: nil once it is
// durable, else a *store.Refusal. When the transport has one answer for all (SMTP) and some recipients take the post, those
// that would refuse it hold it, so that nothing is lost behind a 250.
func (in *Intake) Deliver(ctx context.Context, e Envelope, to []string, raw []byte) []error {
	results := make([]error, len(to))
	verdicts := make([]*judged, len(to))
	taken := false
	for i, rcpt := range to {
		verdicts[i], results[i] = in.one(ctx, e, rcpt, raw)
		taken = taken || results[i] == nil
	}
	for i, v := range verdicts {
		var r *store.Refusal
		if v == nil || !errors.As(results[i], &r) {
			continue
		}
		if taken && !e.LMTP && !r.Temporary() {
			results[i] = in.hold(ctx, e, v.post, []string{"other recipients took it, this list would not: " + r.Public}, v.codes)
			continue
		}
		in.fate(post.Rejected, e, v.post, "answer", r.Public)
	}
	return results
}

// Combine makes the one answer of SMTP. A temporary failure wins: the client sends again, and what was accepted already
// is recognised.
func Combine(results []error) error {
	var first error
	for _, err := range results {
		var r *store.Refusal
		if errors.As(err, &r) && r.Temporary() {
			return err
		}
		if first == nil {
			first = err
		}
	}
	for _, err := range results {
		if err == nil {
			return nil
		}
	}
	return first
}

// judged is a post that a rule refused, and may have to be held all the same.
type judged struct {
	post  *post.Post
	codes []string // of the reason
}

func (in *Intake) one(ctx context.Context, e Envelope, to string, raw []byte) (*judged, error) {
	r, err := in.resolve(to)
	if err != nil {
		return nil, err
	}
	if e.Auth.Refused && r.Kind != lists.KindPost && r.Kind != lists.KindBounce {
		return nil, e.Auth.Refusal()
	}
	switch r.Kind {
	case lists.KindPost:
		return in.post(ctx, e, r.List, raw)
	case lists.KindOwner:
		owners, err := in.owners(r.List)
		if err != nil {
			return nil, notNow(err)
		}
		return nil, in.forward(ctx, e, r.List.Name+"-owner@"+r.List.Domain, owners, raw)
	case lists.KindSite:
		return nil, in.site(ctx, e, raw)
	case lists.KindLeave:
		if err := in.Members.Leave(ctx, r.Member); err != nil {
			return nil, in.failed(err)
		}
		return nil, nil
	case lists.KindBounce:
		return nil, in.bounce(ctx, e, r, raw)
	case lists.KindCommand:
		return nil, in.commands(in.Clerk.Take(ctx, r, in.mail(e, raw)))
	case lists.KindConfirm:
		return nil, in.commands(in.Clerk.Confirm(ctx, r, in.mail(e, raw)))
	}
	return nil, refusal(550, [3]int{5, 1, 1}, nil, "there is no such address here: check its spelling")
}

// failed answers for a write that did not succeed, and lets Recipient look before the next message.
func (in *Intake) failed(err error) error {
	in.broken.Store(true)
	return notNow(err)
}

// commands answers for what was done of a mail with commands: what is done once is not done again when the mail comes again.
func (in *Intake) commands(err error) error {
	if err != nil {
		return in.failed(err)
	}
	return nil
}

func (in *Intake) mail(e Envelope, raw []byte) command.Mail {
	return command.Mail{Sender: e.sender(), Client: e.client(), Raw: raw, Verified: e.Auth.Verified}
}

// client is who is to be limited: the network address, of IPv6 its /64. Behind a server of our own it is the sender that this server names.
func (e Envelope) client() string {
	if e.Trusted {
		return e.Sender
	}
	a := e.Remote.Addr().Unmap()
	if !a.Is6() {
		return a.String()
	}
	network, _ := a.Prefix(64)
	return network.String()
}

// sender as an address; one that is none stays as it was given.
func (e Envelope) sender() store.Address {
	a, err := store.ParseAddress(e.Sender)
	if err != nil {
		return store.Address(strings.ToLower(e.Sender))
	}
	return a
}

func (in *Intake) post(ctx context.Context, e Envelope, l store.List, raw []byte) (*judged, error) {
	p := post.New(l, e.sender(), raw, in.Now().UTC())
	p.Auth, p.Suspicion = e.Auth, e.Suspicion
	if err := p.LookUp(in.Store); err != nil {
		return nil, notNow(err)
	}
	v := post.Judge(p)
	switch v.Action {
	case post.Mistaken:
		return nil, in.mistaken(ctx, e, p, v)
	case post.Accepted:
		return nil, in.accept(ctx, e, p)
	case post.Held:
		return nil, in.hold(ctx, e, p, v.Reasons, v.Codes)
	case post.Rejected:
		return &judged{p, v.Codes}, v.Refusal
	}
	in.fate(v.Action, e, p, "reasons", v.Reasons)
	return nil, nil
}

func (in *Intake) accept(ctx context.Context, e Envelope, p *post.Post) (err error) {
	a := p.Acceptance(in.Site)
	if a.Receipt, err = in.Desk.Receipt(p); err != nil {
		return in.failed(err)
	}
	accepted, err := in.Store.Accept(ctx, a)
	switch {
	case errors.Is(err, store.ErrDuplicate):
		in.fate(post.Duplicate, e, p)
	case errors.Is(err, store.ErrConflict): // another one came first a moment ago
		return in.hold(ctx, e, p, []string{"another message has the same Message-ID"}, []string{"conflict"})
	case err != nil:
		return in.failed(err)
	default:
		in.fate(post.Accepted, e, p, "number", accepted.Number)
	}
	return nil
}

// mistaken answers a command that came to the list. One whose author may be another than the sender is held: its answer would trouble
// somebody who wrote nothing.
func (in *Intake) mistaken(ctx context.Context, e Envelope, p *post.Post, v post.Verdict) error {
	m := in.mail(e, p.Raw)
	if p.Automatic() != "" || !p.Signed() {
		return in.hold(ctx, e, p, v.Reasons, []string{"command"})
	}
	if err := in.Clerk.Mistaken(ctx, p, m); err != nil {
		return in.failed(err)
	}
	in.fate(post.Discarded, e, p, "reasons", v.Reasons)
	return nil
}

func (in *Intake) hold(ctx context.Context, e Envelope, p *post.Post, reasons, codes []string) error {
	h, err := in.Desk.Hold(ctx, p, reasons, codes)
	if err != nil {
		return in.failed(err)
	}
	in.fate(post.Held, e, p, "held", h.ID, "reasons", reasons)
	return nil
}

func (in *Intake) fate(a post.Action, e Envelope, p *post.Post, more ...any) {
	d := p.Described.Post
	in.Log.Info(string(a), append([]any{"id", e.ID, "list", p.List.Address(), "from", d.Author, "sender", p.Sender,
		"message_id", d.MessageID, "size", len(p.Raw)}, more...)...)
}
