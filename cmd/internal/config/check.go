package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wesouthasians.org/sangam/store"
)

// check normalises values and reports what cannot be.
func (c *Config) check(problem func(key, format string, args ...any)) {
	c.checkSite(problem)
	c.checkListeners(problem)
	c.checkWebURL(problem)
	c.checkTLS(problem)
	c.checkDelivery(problem)
	for _, limit := range []struct {
		key string
		n   int
	}{
		{"smtp.max_connections", c.SMTP.MaxConnections}, {"imap.max_connections", c.IMAP.MaxConnections},
		{"imap.max_per_account", c.IMAP.MaxPerAccount}, {"imap.max_per_address", c.IMAP.MaxPerAddress},
		{"delivery.connections", c.Delivery.Connections}, {"delivery.connections_per_domain", c.Delivery.ConnectionsPerDomain},
	} {
		if limit.n < 1 || limit.n > 100_000 {
			problem(limit.key, "must be a number from 1 to 100000")
		}
	}
	if c.SMTP.MaxMessageSize > 1e9 {
		problem("smtp.max_message_size", "must be at most 1GB")
	}
	if !selector.MatchString(c.DKIM.Selector) {
		problem("dkim.selector", "%q is no selector: use letters, digits and hyphens, like sangam", c.DKIM.Selector)
	}
	c.checkContent(problem)
	oneOf(problem, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(problem, "log.format", c.Log.Format, "text", "json")
	c.Data = c.path(c.Data)
}

// selector is one label of a name in the DNS, with room for "-ed25519" behind it; it names files too.
var selector = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,50}[A-Za-z0-9])?$`)

func oneOf(problem func(key, format string, args ...any), key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		problem(key, "%q is not allowed: use %s", value, strings.Join(allowed, ", "))
	}
}

func (c *Config) checkSite(problem func(key, format string, args ...any)) {
	name, err := domain(c.Hostname)
	if err != nil {
		problem("hostname", "%v", err)
	}
	c.Hostname = name
	if len(c.Domains) == 0 {
		problem("domains", "must name at least one mail domain")
	}
	for i, d := range c.Domains {
		if c.Domains[i], err = domain(d); err != nil {
			problem("domains", "%v", err)
		}
	}
	if c.Data == "" {
		problem("data", "must name a folder")
	}
	for i, a := range c.Admins {
		parsed, err := store.ParseAddress(a)
		if err != nil {
			problem("admins", "%q is %v", a, err)
		}
		c.Admins[i] = string(parsed)
	}
}

// domain returns the A-label form.
func domain(name string) (string, error) {
	a, err := store.ParseAddress("postmaster@" + name)
	if err != nil || strings.HasPrefix(name, "[") {
		return name, fmt.Errorf("%q is no domain name: use one like lists.example.org", name)
	}
	return a.Domain(), nil
}

func (c *Config) checkListeners(problem func(key, format string, args ...any)) {
	for _, l := range []struct {
		key    string
		listen []string
		socket bool
	}{
		{"smtp.listen", c.SMTP.Listen, false}, {"smtp.lmtp_listen", c.SMTP.LMTPListen, true},
		{"imap.listen", c.IMAP.Listen, false}, {"imap.tls_listen", c.IMAP.TLSListen, false},
		{"web.listen", c.Web.Listen, false}, {"web.tls_listen", c.Web.TLSListen, false},
	} {
		for i, at := range l.listen {
			if path, ok := strings.CutPrefix(at, "unix:"); ok && l.socket {
				if path == "" {
					problem(l.key, "%q names no path: write unix:/path", at)
				}
				l.listen[i] = "unix:" + c.path(path)
				continue
			}
			if err := hostPort(at); err != nil {
				problem(l.key, "%v", err)
			}
		}
	}
	for _, at := range c.DNS.Servers {
		if err := hostPort(at); err != nil {
			problem("dns.servers", "%q is no name server: use host:port, like 192.0.2.53:53", at)
		}
	}
	if c.Metrics.Listen != "" {
		if err := hostPort(c.Metrics.Listen); err != nil {
			problem("metrics.listen", "%v", err)
		}
	}
	for _, n := range c.SMTP.TrustedNetworks {
		if _, err := parseNetwork(n); err != nil {
			problem("smtp.trusted_networks", "%q is no network: use one like 192.0.2.0/24 or 2001:db8::/32", n)
		}
	}
}

func (c *Config) checkContent(problem func(key, format string, args ...any)) {
	for i, zone := range c.SMTP.DNSBL {
		name, err := domain(zone)
		if err != nil {
			problem("smtp.dnsbl", "%v", err)
		}
		c.SMTP.DNSBL[i] = name
	}
	oneOf(problem, "content_check.on_failure", c.Content.OnFailure, "accept", "defer")
	if c.Content.URL == "" {
		return
	}
	u, err := url.Parse(c.Content.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		problem("content_check.url", "%q is no address of rspamd: use one like http://127.0.0.1:11333", c.Content.URL)
		return
	}
	c.Content.URL = strings.TrimRight(c.Content.URL, "/")
}

func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is no place to listen: use host:port, like 127.0.0.1:2525 or :25", s)
	}
	return nil
}

func (c *Config) checkWebURL(problem func(key, format string, args ...any)) {
	u, err := url.Parse(c.Web.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		problem("web.url", "%q is no address of pages: use one like https://lists.example.org", c.Web.URL)
		return
	}
	c.Web.URL = strings.TrimRight(c.Web.URL, "/")
}

func (c *Config) checkTLS(problem func(key, format string, args ...any)) {
	c.TLS.Cert, c.TLS.Key = c.path(c.TLS.Cert), c.path(c.TLS.Key)
	switch c.TLS.Mode {
	case "off":
		const needs = "needs a certificate: set tls.mode = \"acme\", or \"files\" with tls.cert and tls.key"
		if len(c.IMAP.TLSListen) > 0 {
			problem("imap.tls_listen", needs)
		}
		if len(c.Web.TLSListen) > 0 {
			problem("web.tls_listen", needs)
		}
	case "files":
		if c.TLS.Cert == "" {
			problem("tls.cert", "must name the file of the certificate chain when tls.mode is \"files\"")
		}
		if c.TLS.Key == "" {
			problem("tls.key", "must name the file of the key when tls.mode is \"files\"")
		}
	case "acme":
		c.checkACME(problem)
		return
	default:
		problem("tls.mode", "%q is not allowed: use off, files or acme", c.TLS.Mode)
	}
	if c.TLS.ACMEEmail != "" {
		problem("tls.acme_email", "is for tls.mode = \"acme\": leave it empty")
	}
	if c.TLS.ACMEDirectory != "" {
		problem("tls.acme_directory", "is for tls.mode = \"acme\": leave it empty")
	}
}

func (c *Config) checkACME(problem func(key, format string, args ...any)) {
	if c.TLS.Cert != "" {
		problem("tls.cert", "is for tls.mode = \"files\": leave it empty")
	}
	if c.TLS.Key != "" {
		problem("tls.key", "is for tls.mode = \"files\": leave it empty")
	}
	if c.TLS.ACMEEmail != "" {
		if _, err := store.ParseAddress(c.TLS.ACMEEmail); err != nil {
			problem("tls.acme_email", "%q is %v", c.TLS.ACMEEmail, err)
		}
	}
	if u, err := url.Parse(c.TLS.ACMEDirectory); c.TLS.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		problem("tls.acme_directory", "%q is no address of a directory: use one like https://acme.example.org/directory", c.TLS.ACMEDirectory)
	}
	if len(c.Web.Listen)+len(c.Web.TLSListen) == 0 {
		problem("tls.mode", "\"acme\" needs pages that the authority can reach: set web.listen = [\":80\"] or web.tls_listen = [\":443\"]")
	}
}

func (c *Config) checkDelivery(problem func(key, format string, args ...any)) {
	d := &c.Delivery
	switch d.Mode {
	case "capture":
		if d.CaptureDir == "" {
			problem("delivery.capture_dir", "must name a folder when delivery.mode is \"capture\"")
		}
	case "relay":
		if d.Relay == "" {
			problem("delivery.relay", "must name the mail server when delivery.mode is \"relay\", like smtp://user:password@mail.example.org:587")
		}
	case "direct":
	default:
		problem("delivery.mode", "%q is not allowed: use capture, relay or direct", d.Mode)
	}
	d.CaptureDir = c.path(d.CaptureDir)
	oneOf(problem, "delivery.relay_tls", d.RelayTLS, "opportunistic", "require", "off")
	c.checkRequireTLS(problem)
	if d.Mode != "direct" && d.Port != 25 {
		problem("delivery.port", "is for delivery.mode = \"direct\": the port of the relay is part of delivery.relay")
	}
	if d.Relay == "" {
		return
	}
	u, err := url.Parse(d.Relay)
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "":
		// The value may hold a password and is not repeated.
		problem("delivery.relay", "is no mail server: use one like smtp://user:password@mail.example.org:587, with special characters of the password percent-encoded")
	case u.User != nil && !withPassword(u.User):
		problem("delivery.relay", "has no password behind the user: write smtp://user:password@host:587, or leave out both")
	case u.Scheme == "smtps" && d.RelayTLS == "off":
		problem("delivery.relay_tls", "\"off\" contradicts smtps:// in delivery.relay")
	}
}

func withPassword(u *url.Userinfo) bool {
	password, ok := u.Password()
	return ok && password != "" && u.Username() != ""
}

// checkRequireTLS brings the domains into the form in which they are compared.
func (c *Config) checkRequireTLS(problem func(key, format string, args ...any)) {
	d := &c.Delivery
	if len(d.RequireTLS) > 0 && d.Mode != "direct" {
		problem("delivery.require_tls", "is for delivery.mode = \"direct\": for a relay set delivery.relay_tls = \"require\"")
	}
	for i, name := range d.RequireTLS {
		if name == "*" {
			continue
		}
		below, wild := strings.CutPrefix(name, "*.")
		ascii, err := domain(below)
		if err != nil {
			problem("delivery.require_tls", "%q is no domain: use one like example.org, *.example.org for those below it, or * for all", name)
			continue
		}
		if d.RequireTLS[i] = ascii; wild {
			d.RequireTLS[i] = "*." + ascii
		}
	}
}
