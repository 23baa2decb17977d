package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Resolver asks the DNS, as net.Resolver does.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
}

// noMail says that a domain takes no mail, and never will as things stand.
type noMail struct{ answer string }

func (e noMail) Error() string { return e.answer }

// mailHosts are the hosts to try for a domain, in order: by preference, those of one preference shuffled (RFC 5321 section 5.1). noMail, or an
// error when the DNS has no answer now. equal is how many of them are the most preferred.
func mailHosts(ctx context.Context, r Resolver, domain, self string) (hosts []string, equal int, err error) {
	mxs, err := r.LookupMX(ctx, domain)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		hosts, err = implicitHost(ctx, r, domain)
		return hosts, len(hosts), err
	case err != nil && len(mxs) == 0:
		return nil, 0, fmt.Errorf("look up the mail servers of %s: %w", domain, err)
	case len(mxs) == 0:
		hosts, err = implicitHost(ctx, r, domain)
		return hosts, len(hosts), err
	case len(mxs) == 1 && mxs[0].Host == ".":
		return nil, 0, noMail{"556 5.1.10 " + domain + " takes no mail (null MX)"}
	}
	mxs = slices.Clone(mxs)
	rand.Shuffle(len(mxs), func(i, j int) { mxs[i], mxs[j] = mxs[j], mxs[i] })
	slices.SortStableFunc(mxs, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	for i, mx := range mxs { // hosts behind ourselves lead back to us
		if strings.EqualFold(strings.TrimSuffix(mx.Host, "."), self) {
			mxs = slices.DeleteFunc(mxs[:i:i], func(m *net.MX) bool { return m.Pref >= mx.Pref })
			break
		}
	}
	if len(mxs) == 0 {
		return nil, 0, noMail{"554 5.4.6 mail for " + domain + " leads back to this server"}
	}
	for _, mx := range mxs {
		host := strings.ToLower(strings.TrimSuffix(mx.Host, "."))
		if host == "" || len(hosts) == maxHosts {
			continue
		}
		hosts = append(hosts, host)
		if mx.Pref == mxs[0].Pref {
			equal++
		}
	}
	return hosts, equal, nil
}

// maxHosts that are tried for one domain.
const maxHosts = 10

// implicitHost is the domain itself, if it has an address.
func implicitHost(ctx context.Context, r Resolver, domain string) ([]string, error) {
	_, err := r.LookupIPAddr(ctx, domain)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return nil, noMail{"550 5.1.2 there is no mail server for " + domain + ": the domain does not exist, or takes no mail"}
	case err != nil:
		return nil, fmt.Errorf("look up the address of %s: %w", domain, err)
	}
	return []string{domain}, nil
}

// maxAddresses of one host that are tried.
const maxAddresses = 4

// addresses of a host in the order in which they are tried: IPv6 and IPv4 in turns. Addresses of this machine lead nowhere but in tests.
func addresses(ctx context.Context, r Resolver, host string, loopback bool) ([]netip.Addr, error) {
	found, err := r.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	var six, four, all []netip.Addr
	for _, ip := range found {
		a, ok := netip.AddrFromSlice(ip.IP)
		if a = a.Unmap(); !ok || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() && !loopback {
			continue
		}
		if a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	for _, list := range [][]netip.Addr{six, four} {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			all = append(all, six[i])
		}
		if i < len(four) {
			all = append(all, four[i])
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no address that mail can be sent to", host)
	}
	return all[:min(len(all), maxAddresses)], nil
}
