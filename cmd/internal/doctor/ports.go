package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (d *doctor) serve(context.Context) []Finding {
	if d.Serving {
		return []Finding{good("serve", d.Config.File, "running")}
	}
	return []Finding{bad("serve", d.Config.File, "not running", "Start `sangam serve`: what follows about ports is as the world finds it now.")}
}

// ports checks that the server's own listeners answer here.
func (d *doctor) ports(ctx context.Context) (fs []Finding) {
	if !d.Serving {
		return nil
	}
	c := d.Config
	for _, s := range []struct {
		name, greeting string
		at             []string
	}{
		{"smtp", "220 ", c.SMTP.Listen}, {"lmtp", "220 ", c.SMTP.LMTPListen}, {"imap", "* OK", c.IMAP.Listen}, {"imaps", "", c.IMAP.TLSListen},
		{"http", "", c.Web.Listen}, {"https", "", c.Web.TLSListen},
	} {
		for _, at := range s.at {
			name := s.name + " " + at
			if err := greets(ctx, at, s.greeting); err != nil {
				fs = append(fs, bad("port", name, err.Error(), "Restart `sangam serve` and see its log: it should listen there."))
			} else {
				fs = append(fs, good("port", name, "answers"))
			}
		}
	}
	return fs
}

// greets connects to a listener of this machine and reads its greeting, if it has one.
func greets(ctx context.Context, at, greeting string) error {
	network, path := "tcp", at
	if socket, ok := strings.CutPrefix(at, "unix:"); ok {
		network, path = "unix", socket
	}
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, network, path)
	if err != nil {
		return err
	}
	defer conn.Close()
	if greeting == "" {
		return nil
	}
	conn.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	if !strings.HasPrefix(line, greeting) {
		return fmt.Errorf("it greets with %q", strings.TrimSpace(line))
	}
	return nil
}

// mailServers checks the mail servers of our domains as another mail server finds them.
func (d *doctor) mailServers(ctx context.Context) (fs []Finding) {
	var seen []string
	for _, domain := range d.Config.Domains {
		hosts, err := d.mailHosts(ctx, domain)
		if err != nil {
			continue // told by mx
		}
		for _, host := range hosts {
			if slices.Contains(seen, host) {
				continue
			}
			seen = append(seen, host)
			ips, err := d.addresses(ctx, host)
			switch {
			case err != nil:
				fs = append(fs, silent("port", host, err))
			case len(ips) == 0:
				fs = append(fs, bad("port", host, "it has no address", "Publish an A record of %s, or remove it from the MX records.", host))
			}
			for _, ip := range ips {
				fs = append(fs, d.mailServer(ctx, host, ip, domain)...)
			}
		}
	}
	return fs
}

// mailPort is 25, but in a test's internet.
func (d *doctor) mailPort() string {
	if d.Config.Delivery.Mode == "direct" {
		return strconv.Itoa(d.Config.Delivery.Port)
	}
	return "25"
}

// mailServer talks to one address of a mail server, up to a recipient.
func (d *doctor) mailServer(ctx context.Context, host, ip, domain string) []Finding {
	at := net.JoinHostPort(ip, d.mailPort())
	name := host + " " + at
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return []Finding{bad("port", name, err.Error(), "Open port %s of the firewall, let smtp.listen (or the server before it) listen there, and remove addresses that are not this machine's.", d.mailPort())}
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	c, err := smtp.NewClient(conn, host)
	if err == nil {
		err = c.Hello(d.Config.Hostname)
	}
	if err != nil {
		return []Finding{bad("port", name, err.Error(), "See the log of the mail server at %s: it should greet with 220.", at)}
	}
	defer c.Quit()
	fs := []Finding{d.startTLS(c, host)}
	if err = c.Mail(""); err == nil {
		err = c.Rcpt("postmaster@" + domain)
	}
	var refused *textproto.Error
	if errors.As(err, &refused) && refused.Code >= 500 {
		return append(fs, bad("port", name, fmt.Sprintf("postmaster@%s is refused: %v", domain, err), "Let the mail server at %s take mail for %s.", at, domain))
	}
	return append([]Finding{good("port", name, "takes mail")}, fs...)
}

func (d *doctor) startTLS(c *smtp.Client, host string) Finding {
	if ok, _ := c.Extension("STARTTLS"); !ok {
		if d.Config.TLS.Mode == "off" {
			return good("certificate", host+" SMTP", "no TLS is offered").but("Set tls.mode = \"acme\" or \"files\", so that mail is not read on its way.")
		}
		return bad("certificate", host+" SMTP", "no TLS is offered", "Let the server there offer STARTTLS: tls.mode is %q here.", d.Config.TLS.Mode)
	}
	if err := c.StartTLS(&tls.Config{ServerName: host, InsecureSkipVerify: true}); err != nil { // the chain is looked at below
		return bad("certificate", host+" SMTP", err.Error(), "See the log of the mail server at %s.", host)
	}
	state, _ := c.TLSConnectionState()
	if err := d.valid(state.PeerCertificates, host); err != nil {
		return bad("certificate", host+" SMTP", err.Error(), "%s", d.renewal(host))
	}
	return good("certificate", host+" SMTP", "valid until %s", state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly))
}

// pages checks that web.url leads to an answer.
func (d *doctor) pages(ctx context.Context) []Finding {
	u, err := url.Parse(d.Config.Web.URL)
	if err != nil {
		return nil // the configuration was checked
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := err == nil && ip.IsLoopback() || u.Hostname() == "localhost"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Config.Web.URL+"/robots.txt", nil)
	if err != nil {
		return []Finding{bad("pages", d.Config.Web.URL, err.Error(), "Set web.url to what members type to reach the pages.")}
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: d.dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: d.Roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return []Finding{bad("pages", d.Config.Web.URL, untrusted.Error(), "%s", d.renewal(u.Hostname()))}
	case err != nil && here && !d.Serving:
		return nil // told by serve
	case err != nil:
		return []Finding{bad("pages", d.Config.Web.URL, err.Error(), "Let web.listen, web.tls_listen or the proxy before them answer at web.url, or correct it.")}
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode >= 400:
		return []Finding{bad("pages", d.Config.Web.URL, resp.Status, "Let the proxy at web.url pass everything on to web.listen.")}
	case here:
		return []Finding{good("pages", d.Config.Web.URL, "answers here").but("Set web.url to what members type, for links in mail that work elsewhere.")}
	case u.Scheme == "http":
		return []Finding{bad("pages", d.Config.Web.URL, "answers without TLS", "Serve the pages over https and set web.url so: passwords are not taken without.")}
	}
	return []Finding{good("pages", d.Config.Web.URL, "answers")}
}
