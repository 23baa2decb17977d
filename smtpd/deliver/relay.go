package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// RelayOptions of NewRelay.
type RelayOptions struct {
	URL         string      // smtp://user:pass@host:587 or smtps://host:465
	TLS         string      // opportunistic: STARTTLS when offered; require; off
	Hostname    string      // for EHLO
	Connections int         // kept open at most
	TLSConfig   *tls.Config // nil: the system's roots
}

// Relay is the transport that hands every copy to one host, over connections that are kept and used again.
type Relay struct {
	o              RelayOptions
	address, host  string
	user, password string
	implicit       bool // TLS from the start
	tls            *tls.Config
	pool           *pool
}

// NewRelay checks the URL; it connects when there is a copy.
func NewRelay(o RelayOptions) (*Relay, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("write it like smtp://user:password@host:587 or smtps://host:465")
	}
	r := &Relay{o: o, pool: newPool(o.Connections), host: u.Hostname(), implicit: u.Scheme == "smtps"}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "25", true: "465"}[r.implicit]
	}
	r.address = net.JoinHostPort(r.host, port)
	if u.User != nil {
		r.user = u.User.Username()
		r.password, _ = u.User.Password()
	}
	r.tls = &tls.Config{}
	if o.TLSConfig != nil {
		r.tls = o.TLSConfig.Clone()
	}
	r.tls.ServerName, r.tls.MinVersion = r.host, tls.VersionTLS12
	// A certificate is checked where TLS is asked for or a password goes over it; opportunistic TLS (RFC 7435) takes any.
	r.tls.InsecureSkipVerify = r.loopback() || o.TLS != "require" && !r.implicit && r.user == ""
	return r, nil
}

func (r *Relay) loopback() bool {
	ip := net.ParseIP(r.host)
	return r.host == "localhost" || ip != nil && ip.IsLoopback()
}

// longAgo as a deadline ends what waits.
var longAgo = time.Unix(1, 0)

// triesOfCopy on fresh connections that break before the copy is deferred: the remote may be well and choke on it.
const triesOfCopy = 2

// Deliver sends the copies over one connection. One that breaks is replaced for the copies it said nothing about. Where none
// can be made all that is left is Down.
func (r *Relay) Deliver(ctx context.Context, copies []Copy, report func(i int, res Result)) {
	done, tries, until := 0, 0, time.Now().Add(turnTime)
	for done < len(copies) && (done == 0 || time.Now().Before(until)) {
		c, fresh, err := r.client(ctx)
		if err != nil {
			for ; done < len(copies); done++ {
				report(done, Result{Kind: Down, Answer: fmt.Sprintf("relay %s: %v", r.address, err)})
			}
			return
		}
		from := done
		abort := context.AfterFunc(ctx, func() { c.conn.SetDeadline(longAgo); c.conn.Close() })
		n, err := c.deliver(copies[from:], func(i int, res Result) { report(from+i, res) })
		abort()
		done += n
		r.pool.free(r.address, c, err == nil && ctx.Err() == nil)
		if err == nil {
			return
		}
		switch {
		case n > 0:
			tries = 0
		case fresh:
			if tries++; tries == triesOfCopy {
				report(done, Result{Kind: Deferred, Answer: fmt.Sprintf("relay %s: %v", r.address, err)})
				done, tries = done+1, 0
			}
		}
	}
}

// client takes a kept connection or makes one. A relay that takes no more connections than it has is not down: then one of
// those is waited for.
func (r *Relay) client(ctx context.Context) (c *client, fresh bool, err error) {
	for {
		freed := r.pool.changed()
		if c := r.pool.take(r.address); c != nil {
			return c, false, nil
		}
		c, err = r.connect(ctx)
		if err == nil {
			r.pool.add()
			return c, true, nil
		}
		if r.pool.alone() || ctx.Err() != nil {
			return nil, false, err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, false, err
		}
	}
}

func (r *Relay) connect(ctx context.Context) (*client, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, err
	}
	if r.implicit {
		t := tls.Client(conn, r.tls)
		t.SetDeadline(time.Now().Add(dialTimeout))
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		t.SetDeadline(time.Time{})
		conn = t
	}
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	if err := r.greet(c); err != nil {
		c.conn.Close()
		return nil, err
	}
	return c, nil
}

func (r *Relay) greet(c *client) error {
	if err := c.hello(r.o.Hostname); err != nil {
		return err
	}
	secure := r.implicit
	switch {
	case secure || r.o.TLS == "off":
	case c.has("STARTTLS"):
		if err := c.startTLS(r.tls, r.o.Hostname); err != nil {
			return err
		}
		secure = true
	case r.o.TLS == "require":
		return errors.New("the relay offers no STARTTLS, and delivery.relay_tls requires it")
	}
	if r.user == "" {
		return nil
	}
	if !secure && !r.loopback() {
		return errors.New("the password is not sent without TLS: use smtps:// or a relay that offers STARTTLS")
	}
	return c.auth(r.user, r.password)
}

// Check connects, logs in and sends nothing.
func (r *Relay) Check(ctx context.Context) error {
	c, err := r.connect(ctx)
	if err != nil {
		return fmt.Errorf("relay %s: %w", r.address, err)
	}
	c.quit(true)
	return nil
}

// Close ends the kept connections.
func (r *Relay) Close() error {
	r.pool.close()
	return nil
}

// Destination is one for all.
func (r *Relay) Destination(string) string { return "" }
