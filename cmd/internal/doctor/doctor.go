// Package doctor looks at a site from outside in: whether what it needs is published, its ports answer, its certificates are valid, and it can
// send. The command of that name prints what it finds. Nothing is changed and no mail is sent.
package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/zone"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns"
)

// Finding is what one check found.
type Finding struct {
	Check  string // MX, SPF, ports and so on
	Name   string // what was looked at
	OK     bool
	Detail string // what is there
	Advice string // what to do, when there is something
}

// Options of Run.
type Options struct {
	Config       *config.Config
	Keys         *dkim.Ring // nil: nothing is signed here
	Serving      bool       // the server runs
	Certificates []app.CertificateState
	ClockOffset  time.Duration  // by which the clock is shifted
	Built        time.Time      // when the program was made; zero: not known
	Roots        *x509.CertPool // nil: the system's
	HTTPSPort    int            // of MTA-STS policies; 0: 443
}

// total bounds all checks, which run side by side.
const total = time.Minute

// patience with one server.
const patience = 15 * time.Second

type doctor struct {
	Options
	dns     *dns.Resolver
	records []zone.Record
	hosts   []string // addresses of our name
}

// Run makes every check. The findings are in the order in which a site is set up.
func Run(ctx context.Context, o Options) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	d := &doctor{Options: o, dns: dns.New(o.Config.DNS.Servers)}
	var err error
	if d.records, err = zone.Records(o.Config, o.Keys); err != nil {
		return nil, err
	}
	own := d.ownAddress(ctx)
	checks := []func(context.Context) []Finding{d.disk, d.clock, d.serve, d.names}
	for _, domain := range o.Config.Domains {
		checks = append(checks, func(ctx context.Context) []Finding { return d.domain(ctx, domain) })
	}
	checks = append(checks, d.ports, d.mailServers, d.pages, d.certificates, d.sending)
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { found[i] = check(ctx) })
	}
	all.Wait()
	findings := own
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings, nil
}

func good(check, name, format string, args ...any) Finding {
	return Finding{Check: check, Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func bad(check, name, detail, format string, args ...any) Finding {
	return Finding{Check: check, Name: name, Detail: detail, Advice: fmt.Sprintf(format, args...)}
}

// but adds advice to what is well.
func (f Finding) but(format string, args ...any) Finding {
	f.Advice = fmt.Sprintf(format, args...)
	return f
}

// published looks up what the world sees. Nothing found is no error.
func (d *doctor) published(ctx context.Context, kind, name string) ([]string, error) {
	values, err := d.dns.Published(ctx, kind, name)
	var none *net.DNSError
	if errors.As(err, &none) && none.IsNotFound {
		return nil, nil
	}
	return values, err
}

// silent is the finding when no name server answers.
func silent(check, name string, err error) Finding {
	return bad(check, name, err.Error(), "Check the network of this machine, and dns.servers.")
}

// addresses of a host as published, IPv4 first.
func (d *doctor) addresses(ctx context.Context, host string) (all []string, err error) {
	for _, kind := range []string{"A", "AAAA"} {
		found, err := d.published(ctx, kind, host)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// dial connects to a host at its published addresses.
func (d *doctor) dial(ctx context.Context, network, at string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	ips := []string{host}
	if net.ParseIP(host) == nil && host != "localhost" {
		if ips, err = d.addresses(ctx, host); err != nil {
			return nil, err
		}
	}
	last := fmt.Errorf("%s has no address", host)
	for _, ip := range ips {
		dialer := net.Dialer{Timeout: patience / 3}
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip, port))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

// ending is how long before its end a certificate should have been renewed.
const ending = 7 * 24 * time.Hour

// valid tells what is wrong with a chain that a host showed.
func (d *doctor) valid(chain []*x509.Certificate, host string) error {
	if len(chain) == 0 {
		return errors.New("there is no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: d.Roots, Intermediates: between}); err != nil {
		return err
	}
	if left := time.Until(chain[0].NotAfter); left < ending {
		return fmt.Errorf("it ends at %s", chain[0].NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// renewal is what to do about a certificate.
func (d *doctor) renewal(host string) string {
	switch d.Config.TLS.Mode {
	case "acme":
		return "See the row of its name: the authority must reach this machine at port 80 or 443 to issue it."
	case "files":
		return "Put a valid certificate for " + host + " where tls.cert and tls.key say."
	}
	return "Get a valid certificate for " + host + ", or set tls.mode = \"acme\"."
}
