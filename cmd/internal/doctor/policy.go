package doctor

import (
	"context"
	"strings"

	"wesouthasians.org/sangam/smtpd/mtasts"
)

// mtasts checks our own policy as a sender of mail finds it. Without TLS there is none, and none may be announced.
func (d *doctor) mtasts(ctx context.Context, domain string) []Finding {
	name, ours := "_mta-sts."+domain, mtasts.Ours(d.Config.Hostname)
	texts, err := d.published(ctx, "TXT", name)
	if err != nil {
		return []Finding{silent("MTA-STS", name, err)}
	}
	id, off := mtasts.Announced(texts), d.Config.TLS.Mode == "off"
	if id == "" {
		f := bad("MTA-STS", name, "not published", "Publish the record `TXT %s %s`.", name, ours.Record())
		f.OK = off
		if off {
			f.Advice = "With tls.mode = \"acme\" or \"files\" it would protect mail to the lists from being read on its way."
		}
		return []Finding{f}
	}
	host := "mta-sts." + domain
	p, err := mtasts.Fetcher{Resolver: d.dns, Port: d.HTTPSPort, Roots: d.Roots, Loopback: len(d.Config.DNS.Servers) > 0}.Fetch(ctx, domain)
	if err != nil {
		return []Finding{bad("MTA-STS", host, err.Error(),
			"Publish `CNAME %s %s`, and let this server (or a proxy before it) answer there at port 443 with a valid certificate.", host, d.pagesHost(host))}
	}
	hosts, err := d.mailHosts(ctx, domain)
	if err != nil {
		return []Finding{silent("MTA-STS", name, err)}
	}
	for _, mx := range hosts {
		if !p.Allows(mx) && p.Mode == mtasts.Enforce {
			return []Finding{bad("MTA-STS", host, "the policy does not name the mail server "+mx, "Remove %s from the MX records of %s: senders that obey the policy do not use it.", mx, domain)}
		}
	}
	if p.ID() == ours.ID() && id != ours.ID() {
		return []Finding{bad("MTA-STS", name, "id="+id, "Publish the record `TXT %s %s` instead: senders fetch the policy again when its id changes.", name, ours.Record())}
	}
	return []Finding{good("MTA-STS", name, "mode %s, mx %s", p.Mode, strings.Join(p.MX, " "))}
}

// pagesHost is where a host of ours should lead.
func (d *doctor) pagesHost(name string) string {
	for _, r := range d.records {
		if r.Name == name && r.Type == "CNAME" {
			return r.Value
		}
	}
	return d.Config.Hostname
}

// tlsReports are a service to the administrators: nothing is wrong without them.
func (d *doctor) tlsReports(ctx context.Context, domain string) Finding {
	name := "_smtp._tls." + domain
	texts, err := d.published(ctx, "TXT", name)
	if err != nil {
		return silent("TLSRPT", name, err)
	}
	for _, t := range texts {
		if strings.HasPrefix(t, "v=TLSRPTv1") {
			return good("TLSRPT", name, "%s", t)
		}
	}
	return good("TLSRPT", name, "not published").but("Publish the record `TXT %s %s` to be told of mail that could not come over TLS.", name, d.record(name))
}
