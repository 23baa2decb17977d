package doctor

import (
	"context"
	"net"
	"strings"

	spf "blitiri.com.ar/go/spf"

	"wesouthasians.org/sangam/cmd/internal/zone"
	"wesouthasians.org/sangam/smtpd/auth"
)

// record is what we want published at a name.
func (d *doctor) record(name string) string {
	for _, r := range d.records {
		if r.Name == name && r.Type == "TXT" {
			return r.Value
		}
	}
	return ""
}

// spf checks that the domain has one record, by which this machine may send.
func (d *doctor) spf(ctx context.Context, domain string) (fs []Finding) {
	texts, err := d.published(ctx, "TXT", domain)
	if err != nil {
		return []Finding{silent("SPF", domain, err)}
	}
	var records []string
	for _, t := range texts {
		if lower := strings.ToLower(t); lower == "v=spf1" || strings.HasPrefix(lower, "v=spf1 ") {
			records = append(records, t)
		}
	}
	switch {
	case len(records) == 0:
		return []Finding{bad("SPF", domain, "not published", "Publish the record `TXT %s %s`.", domain, d.record(domain))}
	case len(records) > 1:
		return []Finding{bad("SPF", domain, strings.Join(records, "; "), "Leave one record that begins with v=spf1: of several none counts.")}
	case zone.RelayElsewhere(d.Config) != "":
		return []Finding{good("SPF", domain, "%s", records[0]).but("It must name the relay's servers, as the relay's operator tells.")}
	}
	for _, ip := range d.hosts {
		result, _ := spf.CheckHostWithSender(net.ParseIP(ip), d.Config.Hostname, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(d.dns))
		switch {
		case result == spf.Pass:
		case records[0] == d.record(domain):
			fs = append(fs, bad("SPF", domain, records[0]+" is "+string(result)+" for "+ip, "Publish the MX and address records that it refers to."))
		default:
			fs = append(fs, bad("SPF", domain, records[0]+" is "+string(result)+" for "+ip,
				"Publish the record `TXT %s %s` instead, or add ip%s:%s to what is there.", domain, d.record(domain), version(ip), ip))
		}
	}
	if fs == nil {
		fs = []Finding{good("SPF", domain, "%s", records[0])}
	}
	return fs
}

func version(ip string) string {
	if strings.Contains(ip, ":") {
		return "6"
	}
	return "4"
}

// dkim checks that the public halves of the keys are published.
func (d *doctor) dkim(ctx context.Context, domain string) (fs []Finding) {
	for _, r := range d.records {
		if !strings.HasSuffix(r.Name, "._domainkey."+domain) {
			continue
		}
		texts, err := d.published(ctx, "TXT", r.Name)
		switch {
		case err != nil:
			fs = append(fs, silent("DKIM", r.Name, err))
		case len(texts) == 0:
			fs = append(fs, bad("DKIM", r.Name, "not published", "Publish the TXT record of %s that `sangam dns` shows.", r.Name))
		case len(texts) > 1 || publicKey(texts[0]) != publicKey(r.Value):
			fs = append(fs, bad("DKIM", r.Name, "another key is published", "Publish the TXT record of %s that `sangam dns` shows, alone.", r.Name))
		default:
			fs = append(fs, good("DKIM", r.Name, "published"))
		}
	}
	return fs
}

// publicKey is the tag p= of a DKIM record, without the spaces that may be in it (RFC 6376 section 3.6.1).
func publicKey(record string) string {
	for tag := range strings.SplitSeq(record, ";") {
		if name, value, _ := strings.Cut(tag, "="); strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

func (d *doctor) dmarc(ctx context.Context, domain string) Finding {
	name := "_dmarc." + domain
	p, err := (&auth.Policies{Resolver: d.dns}).Of(ctx, domain)
	switch {
	case err != nil:
		return silent("DMARC", name, err)
	case !p.Published():
		return bad("DMARC", name, "not published", "Publish the record `TXT %s %s`.", name, d.record(name))
	}
	return good("DMARC", name, "p=%s", p.Wanted)
}
