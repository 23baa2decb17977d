package dns

import (
	"context"
	"fmt"
	"net"
	"strings"

	mdns "github.com/miekg/dns"
)

// Published are the values of a name as its zone tells them, past the cache and the hosts file of this machine: A, AAAA, CNAME, MX ("10 host"),
// PTR (of an address) or TXT (as one string). Names have no dot at their end. An error is a *net.DNSError; IsNotFound says that there are none.
func (r *Resolver) Published(ctx context.Context, kind, name string) ([]string, error) {
	servers := r.servers
	if len(servers) == 0 {
		system, err := mdns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return nil, &net.DNSError{Err: err.Error(), Name: name, IsTemporary: true}
		}
		for _, s := range system.Servers {
			servers = append(servers, net.JoinHostPort(s, system.Port))
		}
	}
	asked := absolute(name)
	if kind == "PTR" {
		var err error
		if asked, err = mdns.ReverseAddr(name); err != nil {
			return nil, &net.DNSError{Err: err.Error(), Name: name}
		}
	}
	q := new(mdns.Msg).SetQuestion(asked, mdns.StringToType[kind])
	q.SetEdns0(1232, false)
	last := &net.DNSError{Err: "there is no name server", Name: name, IsTemporary: true}
	for _, server := range servers {
		answer, err := exchange(ctx, q, server)
		switch {
		case err != nil:
			last = &net.DNSError{Err: err.Error(), Name: name, Server: server, IsTemporary: true}
		case answer.Rcode != mdns.RcodeSuccess && answer.Rcode != mdns.RcodeNameError:
			last = &net.DNSError{Err: "the server answers " + mdns.RcodeToString[answer.Rcode], Name: name, Server: server, IsTemporary: true}
		default:
			return values(answer, kind, name)
		}
	}
	return nil, last
}

func exchange(ctx context.Context, q *mdns.Msg, server string) (*mdns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, _, err := (&mdns.Client{}).ExchangeContext(ctx, q, server)
	if err == nil && answer.Truncated {
		answer, _, err = (&mdns.Client{Net: "tcp"}).ExchangeContext(ctx, q, server)
	}
	return answer, err
}

func values(answer *mdns.Msg, kind, name string) (all []string, err error) {
	host := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
	for _, rr := range answer.Answer {
		if mdns.TypeToString[rr.Header().Rrtype] != kind {
			continue
		}
		switch rr := rr.(type) {
		case *mdns.A:
			all = append(all, rr.A.String())
		case *mdns.AAAA:
			all = append(all, rr.AAAA.String())
		case *mdns.CNAME:
			all = append(all, host(rr.Target))
		case *mdns.PTR:
			all = append(all, host(rr.Ptr))
		case *mdns.MX:
			all = append(all, fmt.Sprintf("%d %s", rr.Preference, host(rr.Mx)))
		case *mdns.TXT:
			all = append(all, strings.Join(rr.Txt, ""))
		}
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
	}
	return all, nil
}
