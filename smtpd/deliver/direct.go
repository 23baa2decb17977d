package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TLSPolicy is what the senders of mail to a domain must do.
type TLSPolicy struct {
	Required bool                   // no mail without a valid certificate of the mail server
	Allowed  func(host string) bool // which mail servers may take the mail; nil: any
}

// DirectOptions of NewDirect.
type DirectOptions struct {
	Hostname    string // for EHLO
	Resolver    Resolver
	Port        int  // of remote hosts
	Loopback    bool // hosts on this machine are sent to, for tests
	Connections int  // kept open at most
	// Policy says what TLS a domain asks for; nil: none asks.
	Policy    func(ctx context.Context, domain string) TLSPolicy
	TLSConfig *tls.Config // nil: the system's roots
}

// Direct is the transport that hands copies to the mail servers of their own domains.
type Direct struct {
	o    DirectOptions
	tls  *tls.Config
	pool *pool
}

// NewDirect connects when there is a copy.
func NewDirect(o DirectOptions) *Direct {
	d := &Direct{o: o, tls: &tls.Config{}, pool: newPool(o.Connections)}
	if o.TLSConfig != nil {
		d.tls = o.TLSConfig.Clone()
	}
	d.tls.MinVersion = tls.VersionTLS12
	return d
}

// Destination is the domain.
func (d *Direct) Destination(to string) string {
	return strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])
}

// Close ends the kept connections.
func (d *Direct) Close() error {
	d.pool.close()
	return nil
}

// route is how copies reach a domain.
type route struct {
	domain string
	hosts  []string
	equal  int // so many of the hosts are the most preferred
	policy TLSPolicy
	tried  int // hosts that could not be reached, or had no time, from the first on
	last   error
	until  time.Time // no host is tried later
}

// routeTime is how long hosts are tried of which none answers.
const routeTime = 5 * time.Minute

// Deliver sends copies that all go to one domain. Where no server can be reached, what is left is Unreachable.
func (d *Direct) Deliver(ctx context.Context, copies []Copy, report func(i int, res Result)) {
	done := 0
	rest := func(res Result) {
		for ; done < len(copies); done++ {
			report(done, res)
		}
	}
	rt, err := d.route(ctx, d.Destination(copies[0].To))
	if err != nil {
		rest(unrouted(err))
		return
	}
	tries, until := 0, time.Now().Add(turnTime)
	for done < len(copies) && (done == 0 || time.Now().Before(until)) {
		host, c, fresh := d.client(ctx, rt)
		if c == nil {
			rest(Result{Kind: Unreachable, Answer: rt.last.Error()})
			return
		}
		from := done
		abort := context.AfterFunc(ctx, func() { c.conn.SetDeadline(longAgo); c.conn.Close() })
		n, err := c.deliver(copies[from:], func(i int, res Result) {
			if res.Kind == Down { // for us it is one of many
				res.Kind = Unreachable
			}
			report(from+i, res)
		})
		abort()
		done += n
		d.pool.free(rt.key(host), c, err == nil && ctx.Err() == nil)
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			rest(Result{Kind: Deferred, Answer: "the server was stopped"})
		case errors.Is(err, errClosing) && fresh && n == 0: // others end a session that was idle or long
			rt.tried, rt.last = slices.Index(rt.hosts, host)+1, fmt.Errorf("%s: %w", host, err)
		case n > 0:
			tries = 0
		case fresh:
			if tries++; tries == triesOfCopy {
				report(done, Result{Kind: Deferred, Answer: host + ": " + err.Error()})
				done, tries = done+1, 0
			}
		}
	}
}

// Check connects to a mail server of a domain and sends nothing. The name of the server is returned.
func (d *Direct) Check(ctx context.Context, domain string) (host string, err error) {
	rt, err := d.route(ctx, domain)
	if err != nil {
		return "", err
	}
	host, c, _ := d.client(ctx, rt)
	if c == nil {
		return "", rt.last
	}
	d.pool.free(rt.key(host), c, true)
	return host, nil
}

func unrouted(err error) Result {
	var none noMail
	if errors.As(err, &none) {
		return Result{Kind: Failed, Answer: none.answer}
	}
	return Result{Kind: Unreachable, Answer: err.Error()}
}

func (d *Direct) route(ctx context.Context, domain string) (*route, error) {
	rt := &route{domain: domain, until: time.Now().Add(routeTime)}
	if literal, ok := strings.CutPrefix(domain, "["); ok { // RFC 5321 section 4.1.3
		rt.hosts = []string{strings.TrimPrefix(strings.TrimSuffix(literal, "]"), "ipv6:")}
		return rt, nil
	}
	if d.o.Policy != nil {
		rt.policy = d.o.Policy(ctx, domain)
	}
	hosts, equal, err := mailHosts(ctx, d.o.Resolver, domain, d.o.Hostname)
	if err != nil {
		return nil, err
	}
	if allowed := rt.policy.Allowed; allowed != nil {
		if hosts = slices.DeleteFunc(hosts, func(h string) bool { return !allowed(h) }); len(hosts) == 0 {
			return nil, fmt.Errorf("none of the mail servers of %s is one that its MTA-STS policy names", domain)
		}
	}
	rt.hosts, rt.equal = hosts, min(equal, len(hosts))
	return rt, nil
}

// key of kept connections: one that was opened without a check of the certificate serves no domain that requires it.
func (rt *route) key(host string) string {
	if rt.policy.Required {
		return "verified " + host
	}
	return host
}

// client takes a kept connection to one of the hosts, or makes one to the first that answers; nil when none does.
func (d *Direct) client(ctx context.Context, rt *route) (host string, c *client, fresh bool) {
	for i, host := range rt.hosts[rt.tried:] {
		if rt.tried+i > 0 && rt.tried+i >= rt.equal {
			break // one that is preferred is tried first
		}
		if c := d.pool.take(rt.key(host)); c != nil {
			return host, c, false
		}
	}
	for ; rt.tried < len(rt.hosts) && ctx.Err() == nil && (rt.last == nil || time.Now().Before(rt.until)); rt.tried++ {
		host = rt.hosts[rt.tried]
		if c := d.pool.take(rt.key(host)); c != nil {
			return host, c, false
		}
		c, err := d.connect(ctx, host, rt.policy.Required)
		if err == nil {
			d.pool.add()
			return host, c, true
		}
		rt.last = fmt.Errorf("%s: %w", host, err)
	}
	if rt.last == nil {
		rt.last = errors.New("the server was stopped")
	}
	return "", nil, false
}

// connect tries the addresses of a host.
func (d *Direct) connect(ctx context.Context, host string, secure bool) (*client, error) {
	var as []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		as = []netip.Addr{a}
	} else if as, err = addresses(ctx, d.o.Resolver, host, d.o.Loopback); err != nil {
		return nil, err
	}
	var last error
	for _, a := range as {
		c, err := d.open(ctx, host, a, secure, false)
		if errors.Is(err, errTLS) && !secure { // opportunistic: better in the clear than not at all (RFC 7435)
			c, err = d.open(ctx, host, a, false, true)
		}
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, last
}

// errTLS: the remote offers TLS and cannot do it.
var errTLS = errors.New("TLS")

// directTimeout of dialing and greeting a host, of which there may be several.
const directTimeout = 30 * time.Second

func (d *Direct) open(ctx context.Context, host string, a netip.Addr, secure, plain bool) (*client, error) {
	dialer := net.Dialer{Timeout: directTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), strconv.Itoa(d.o.Port)))
	if err != nil {
		return nil, err
	}
	abort := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo); conn.Close() })
	defer abort()
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	if err = c.hello(d.o.Hostname); err == nil && !plain {
		err = d.secure(c, host, secure)
	}
	if err != nil {
		c.conn.Close()
		return nil, err
	}
	return c, nil
}

// secure begins TLS where it is offered, and checks the certificate where it must be valid.
func (d *Direct) secure(c *client, host string, required bool) error {
	if !c.has("STARTTLS") {
		if required {
			return errors.New("it offers no STARTTLS, which this domain requires")
		}
		return nil
	}
	cfg := d.tls.Clone()
	cfg.ServerName, cfg.InsecureSkipVerify = host, !required
	if err := c.startTLS(cfg, d.o.Hostname); err != nil {
		return fmt.Errorf("%w: %w", errTLS, err)
	}
	return nil
}
