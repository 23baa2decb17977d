package doctor

import (
	"context"
	"net"
	"slices"
	"strings"

	"wesouthasians.org/sangam/cmd/internal/zone"
)

// ownAddress looks for the addresses of hostname, which later checks need.
func (d *doctor) ownAddress(ctx context.Context) []Finding {
	host := d.Config.Hostname
	ips, err := d.addresses(ctx, host)
	if err != nil {
		return []Finding{silent("address", host, err)}
	}
	if len(ips) == 0 {
		return []Finding{bad("address", host, "not published", "Publish an A record (and AAAA, if it has IPv6) of %s with the public address of this machine.", host)}
	}
	for _, ip := range ips {
		if a := net.ParseIP(ip); (a.IsLoopback() || a.IsPrivate() || a.IsUnspecified()) && len(d.Config.DNS.Servers) == 0 {
			return []Finding{bad("address", host, ip, "Publish the public address of this machine instead: %s cannot be reached from elsewhere.", ip)}
		}
	}
	d.hosts = ips
	return []Finding{good("address", host, "%s", strings.Join(ips, ", "))}
}

// names checks the reverse records, which many require of who sends them mail.
func (d *doctor) names(ctx context.Context) (fs []Finding) {
	if zone.RelayElsewhere(d.Config) != "" {
		return nil // its operator's matter
	}
	host := d.Config.Hostname
	for _, ip := range d.hosts {
		names, err := d.published(ctx, "PTR", ip)
		switch {
		case err != nil:
			fs = append(fs, silent("PTR", ip, err))
		case len(names) == 0:
			fs = append(fs, bad("PTR", ip, "not published", "Ask the provider of the address to set its reverse record to %s.", host))
		case !slices.Contains(names, host):
			fs = append(fs, bad("PTR", ip, strings.Join(names, ", "), "Ask the provider of the address to set its reverse record to %s.", host))
		default:
			fs = append(fs, good("PTR", ip, "%s", host))
		}
	}
	return fs
}

// domain checks the records of one mail domain.
func (d *doctor) domain(ctx context.Context, domain string) []Finding {
	fs := []Finding{d.mx(ctx, domain)}
	fs = append(fs, d.spf(ctx, domain)...)
	fs = append(fs, d.dkim(ctx, domain)...)
	fs = append(fs, d.dmarc(ctx, domain))
	fs = append(fs, d.mtasts(ctx, domain)...)
	return append(fs, d.tlsReports(ctx, domain))
}

// mailHosts are the hosts of the MX records of a domain.
func (d *doctor) mailHosts(ctx context.Context, domain string) (hosts []string, err error) {
	values, err := d.published(ctx, "MX", domain)
	for _, v := range values {
		if _, host, _ := strings.Cut(v, " "); host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, err
}

func (d *doctor) mx(ctx context.Context, domain string) Finding {
	host := d.Config.Hostname
	hosts, err := d.mailHosts(ctx, domain)
	switch {
	case err != nil:
		return silent("MX", domain, err)
	case len(hosts) == 0:
		return bad("MX", domain, "not published", "Publish the record `MX %s 10 %s`.", domain, host)
	case slices.Contains(hosts, host):
		return good("MX", domain, "%s", strings.Join(hosts, ", "))
	case len(d.Config.SMTP.LMTPListen) > 0:
		return good("MX", domain, "%s", strings.Join(hosts, ", ")).but("That server must hand mail for %s on to smtp.lmtp_listen here.", domain)
	}
	return bad("MX", domain, strings.Join(hosts, ", "), "Publish the record `MX %s 10 %s` instead: mail goes elsewhere.", domain, host)
}
