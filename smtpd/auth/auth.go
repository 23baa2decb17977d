// Package auth finds out at arrival whether a message is of whom it says: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489, with the tree walk
// of its successor) and ARC (RFC 8617). The receiving server asks it before a message is handed on; what it found goes with the
// message as Authentication-Results (RFC 8601), from which delivery seals, and to the rules of posts.
package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/smtpd/arc"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Hostname string // our name in Authentication-Results
	Resolver Resolver
	// TrustedServers are the names of servers of our own whose Authentication-Results are believed on mail from trusted networks.
	TrustedServers []string
	// TrustedSealers are domains whose ARC seals are believed: mail that came through them whole is not refused for DMARC.
	TrustedSealers []string
	Now            func() time.Time
}

// Verifier is safe for concurrent use.
type Verifier struct {
	Options
	policies *Policies
}

// timeout of all questions that one message raises.
const timeout = 30 * time.Second

// ErrTemporary says that the DNS has no answer now and the verdict depends on it.
var ErrTemporary = errors.New("the DNS does not answer")

// New returns a verifier.
func New(o Options, p *Policies) *Verifier { return &Verifier{o, p} }

// Verify checks a message whose lines end in CRLF. It returns the message with our Authentication-Results on top, and without those that others
// wrote in our name, and the verdict. Mail of trusted networks gets no verdict of SPF, DKIM and DMARC but what a server of ours has written
// into it. ErrTemporary.
func (v *Verifier) Verify(ctx context.Context, e intake.Envelope, raw []byte) ([]byte, post.Auth, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m := &message{Verifier: v, envelope: e, raw: raw, header: archive.ParseHeader(raw)}
	chain, arcErr := arc.Validate(raw, func(name string) ([]string, error) { return v.Resolver.LookupTXT(ctx, name) }, v.Now())
	var verdict post.Auth
	var err error
	if e.Trusted {
		verdict = m.believe()
	} else if verdict, err = m.judge(ctx, chain); err != nil {
		return nil, verdict, err
	}
	switch {
	case arcErr != nil:
		m.results.add("arc=temperror")
	case chain.Result == arc.Fail:
		m.results.add("arc=fail" + reason(chain.Reason))
	default:
		m.results.add("arc=" + string(chain.Result))
	}
	return append([]byte(m.results.field(v.Hostname)), withoutClaims(raw, v.Hostname)...), verdict, nil
}

// message being verified.
type message struct {
	*Verifier
	envelope intake.Envelope
	raw      []byte
	header   archive.Header
	results  results
}

// judge asks SPF, DKIM and DMARC.
func (m *message) judge(ctx context.Context, chain arc.Validation) (post.Auth, error) {
	s := m.spf(ctx)
	ds := m.dkim(ctx)
	domain := m.author()
	if domain == "" {
		m.results.add("dmarc=none" + reason("From has not one author"))
		return post.Auth{}, nil
	}
	policy, err := m.policies.Of(ctx, domain)
	if err != nil {
		return post.Auth{}, fmt.Errorf("%w: %w", ErrTemporary, err)
	}
	from := " header.from=" + pvalue(domain)
	if !policy.Published() {
		m.results.add("dmarc=none" + from)
		return post.Auth{Domain: domain}, nil
	}
	aligned := s.domain != "" && m.policies.aligned(ctx, s.domain, domain, policy.StrictSPF)
	troubled := s.temporary
	for _, d := range ds {
		troubled = troubled || d.temporary
		aligned = aligned || d.domain != "" && m.policies.aligned(ctx, d.domain, domain, policy.StrictDKIM)
	}
	a := post.Auth{Domain: domain, Verified: aligned}
	wanted := " policy.dmarc=" + policy.Wanted
	switch {
	case aligned:
		m.results.add("dmarc=pass" + wanted + from)
	case policy.Enforced() && troubled:
		return a, fmt.Errorf("%w: the signatures of %s cannot be checked", ErrTemporary, domain)
	default:
		m.results.add("dmarc=fail" + wanted + from)
		a.Refused = policy.Enforced() && !m.vouched(chain, domain)
	}
	return a, nil
}

// author is the domain of From when all authors have the same, else empty.
func (m *message) author() string {
	domain := ""
	for _, a := range m.header.Addresses("From") {
		if domain != "" && a.Domain() != domain {
			return ""
		}
		domain = a.Domain()
	}
	return domain
}

// vouched tells whether trusted sealers, without a gap from the newest on, say that the message had passed DMARC when it came to them.
func (m *message) vouched(chain arc.Validation, domain string) bool {
	for n := len(chain.Sealers) - 1; n >= 0; n-- {
		if !slices.ContainsFunc(m.TrustedSealers, func(s string) bool { return strings.EqualFold(s, chain.Sealers[n]) }) {
			return false
		}
		if passed(chain.Results[n], domain) {
			return true
		}
	}
	return false
}

// believe reads what a server of ours has found: the topmost Authentication-Results, for what is below may be forged.
func (m *message) believe() post.Auth {
	a := post.Auth{Domain: m.author()}
	for _, value := range m.header.Values("Authentication-Results") {
		if !slices.ContainsFunc(m.TrustedServers, func(s string) bool { return claims(value, s) }) {
			continue
		}
		a.Verified = a.Domain != "" && passed(value, a.Domain) && len(m.header.Addresses("From")) == 1
		for _, r := range split(value)[1:] {
			if !strings.HasPrefix(r, "arc=") {
				m.results.add(r)
			}
		}
		break
	}
	return a
}

// withoutClaims takes away the Authentication-Results that have our name: nobody else may say so (RFC 8601 section 5).
func withoutClaims(raw []byte, hostname string) []byte {
	var out []byte
	kept := 0
	for f := range fieldsOf(raw) {
		name, value, _ := bytes.Cut(raw[f.start:f.end], []byte(":"))
		if !bytes.EqualFold(bytes.TrimSpace(name), []byte("Authentication-Results")) || !claims(string(value), hostname) {
			continue
		}
		out = append(out, raw[kept:f.start]...)
		kept = f.end
	}
	if kept == 0 {
		return raw
	}
	return append(out, raw[kept:]...)
}

// claims tells whether the value of an Authentication-Results is in the name of a server; comments do not count.
func claims(value, hostname string) bool {
	id, _, _ := strings.Cut(uncommented(value), ";")
	words := strings.Fields(id)
	return len(words) > 0 && strings.EqualFold(strings.Trim(words[0], `"`), hostname)
}

type span struct{ start, end int }

// fieldsOf are the fields of a header with their folding and line ends.
func fieldsOf(raw []byte) func(func(span) bool) {
	return func(yield func(span) bool) {
		at := 0
		for at < len(raw) && !bytes.HasPrefix(raw[at:], []byte("\r\n")) {
			end := at
			for {
				i := bytes.IndexByte(raw[end:], '\n')
				if i < 0 {
					end = len(raw)
					break
				}
				end += i + 1
				if end >= len(raw) || raw[end] != ' ' && raw[end] != '\t' {
					break
				}
			}
			if !yield(span{at, end}) {
				return
			}
			at = end
		}
	}
}

// sender of the envelope as an address; zero for the null return path and what is none.
func (m *message) sender() store.Address {
	a, err := store.ParseAddress(m.envelope.Sender)
	if err != nil {
		return ""
	}
	return a
}
