package auth

import (
	"context"
	"errors"
	"net"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Policies finds what domains want to happen to mail in their name that is not theirs (DMARC). It is safe for concurrent use.
type Policies struct{ Resolver Resolver }

// Policy of a domain. Its zero value: none is published.
type Policy struct {
	Wanted     string // none, quarantine or reject
	StrictDKIM bool   // only the domain itself is aligned, not those above and below it
	StrictSPF  bool
	Testing    bool // nobody is to act on it yet
}

// Published tells whether the domain has a policy.
func (p Policy) Published() bool { return p.Wanted != "" }

// Enforced tells whether mail that fails is to be refused.
func (p Policy) Enforced() bool { return p.Wanted == "reject" && !p.Testing }

// Protected tells whether a domain wants mail in its name that is not its own kept away: what a list changes may be taken for that.
func (p Policy) Protected() bool { return p.Wanted == "quarantine" || p.Wanted == "reject" }

// record is a DMARC record, RFC 7489 section 6.3; tags that do not matter here are passed over, and so are bad ones.
type record struct {
	name string // of the domain, without _dmarc.
	tags map[string]string
}

// maxLabels of the first name behind the author's own that the tree walk asks for.
const maxLabels = 7

// walk asks for the records of a domain and those above it, the domain's own first (the DNS tree walk of DMARC).
func (p *Policies) walk(ctx context.Context, domain string) (rs []record, err error) {
	name := strings.ToLower(strings.TrimSuffix(domain, "."))
	for name != "" {
		r, found, err := p.at(ctx, name)
		if err != nil {
			return nil, err
		}
		if found {
			rs = append(rs, r)
			if r.tags["psd"] == "n" || r.tags["psd"] == "y" {
				break
			}
		}
		labels := strings.Split(name, ".")
		labels = labels[max(1, len(labels)-maxLabels):]
		name = strings.Join(labels, ".")
	}
	return rs, nil
}

// at reads the record of one name. Several are none (RFC 7489 section 6.6.3).
func (p *Policies) at(ctx context.Context, name string) (r record, found bool, err error) {
	texts, err := p.Resolver.LookupTXT(ctx, "_dmarc."+name)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	for _, t := range texts {
		tags, ok := parseRecord(t)
		if !ok {
			continue
		}
		if found {
			return record{}, false, nil
		}
		r, found = record{name, tags}, true
	}
	return r, found, nil
}

func parseRecord(text string) (map[string]string, bool) {
	tags := map[string]string{}
	for n, spec := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(spec, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.TrimSpace(value))
		if n == 0 && (name != "v" || value != "dmarc1") {
			return nil, false
		}
		if _, again := tags[name]; !again {
			tags[name] = value
		}
	}
	return tags, true
}

// wanted is a policy by its tag; one that is not understood is none at all (RFC 7489 section 6.6.3).
func (r record) wanted(tag string) string {
	if w := r.tags[tag]; w == "quarantine" || w == "reject" {
		return w
	}
	return "none"
}

// Of finds the policy for mail in the name of a domain. An error says that the DNS has no answer now.
func (p *Policies) Of(ctx context.Context, domain string) (Policy, error) {
	rs, err := p.walk(ctx, domain)
	if err != nil || len(rs) == 0 {
		return Policy{}, err
	}
	r, tag := rs[0], "p"
	if r.name != strings.ToLower(domain) {
		r = organisational(rs)
		if tag = "sp"; r.tags[tag] == "" {
			tag = "p"
		}
		if r.tags["np"] != "" {
			exists, err := p.exists(ctx, domain)
			if err != nil {
				return Policy{}, err
			}
			if !exists {
				tag = "np"
			}
		}
	}
	return Policy{Wanted: r.wanted(tag), StrictDKIM: r.tags["adkim"] == "s", StrictSPF: r.tags["aspf"] == "s",
		Testing: r.tags["t"] == "y" || r.tags["pct"] == "0"}, nil
}

// organisational is the record that speaks for the names below it: that which says it is no public suffix, else the one nearest to the root.
func organisational(rs []record) record {
	for _, r := range rs {
		if r.tags["psd"] == "n" {
			return r
		}
	}
	last := rs[len(rs)-1]
	if last.tags["psd"] == "y" && len(rs) > 1 {
		return rs[len(rs)-2]
	}
	return last
}

// organisation is the domain under which an organisation runs its names: as the records of the tree walk tell, else as the list of public
// suffixes does.
func (p *Policies) organisation(ctx context.Context, domain string) string {
	domain = strings.ToLower(domain)
	rs, err := p.walk(ctx, domain)
	if err == nil {
		for _, r := range rs {
			switch {
			case r.tags["psd"] == "n":
				return r.name
			case r.tags["psd"] == "y" && r.name != domain:
				below := strings.Split(strings.TrimSuffix(domain, "."+r.name), ".")
				return below[len(below)-1] + "." + r.name
			}
		}
	}
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

// aligned tells whether what was verified for one domain speaks for mail in the name of another (RFC 7489 section 3.1).
func (p *Policies) aligned(ctx context.Context, verified, author string, strict bool) bool {
	verified, author = strings.ToLower(strings.TrimSuffix(verified, ".")), strings.ToLower(author)
	if verified == author {
		return true
	}
	return !strict && p.organisation(ctx, verified) == p.organisation(ctx, author)
}

// exists tells whether a name is in the DNS with addresses or mail servers.
func (p *Policies) exists(ctx context.Context, domain string) (bool, error) {
	_, errMX := p.Resolver.LookupMX(ctx, domain)
	_, errIP := p.Resolver.LookupIPAddr(ctx, domain)
	if errMX == nil || errIP == nil {
		return true, nil
	}
	for _, err := range []error{errMX, errIP} {
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound {
			return false, err
		}
	}
	return false, nil
}
