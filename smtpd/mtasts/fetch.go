package mtasts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Path of a policy on the host mta-sts.DOMAIN.
const Path = "/.well-known/mta-sts.txt"

// Limits of one fetch.
const (
	fetchTime    = 20 * time.Second
	maxHeader    = 16 << 10
	maxAddresses = 4
)

// Resolver asks the DNS, as net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
}

// Fetcher gets policies from the hosts of their domains. The zero value of everything but Resolver is what the internet wants.
type Fetcher struct {
	Resolver Resolver
	Port     int            // 0: 443
	Roots    *x509.CertPool // nil: the system's
	Loopback bool           // hosts on this machine are asked, for tests and for our own
}

// Fetch gets the policy of a domain with RFC 8461 section 3.3's care: a valid certificate, no redirect, text/plain, at most 64 KB and 20 s.
func (f Fetcher) Fetch(ctx context.Context, domain string) (Policy, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://mta-sts."+domain+Path, nil)
	if err != nil {
		return Policy{}, err
	}
	transport := &http.Transport{DialContext: f.dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		TLSClientConfig: &tls.Config{RootCAs: f.Roots, MinVersion: tls.VersionTLS12}}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return Policy{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Policy{}, fmt.Errorf("%s answers %s", r.URL, resp.Status)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return Policy{}, fmt.Errorf("%s is not text/plain but %.40q", r.URL, resp.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPolicy+1))
	if err != nil {
		return Policy{}, err
	}
	if len(text) > maxPolicy {
		return Policy{}, fmt.Errorf("%s is longer than %d bytes", r.URL, maxPolicy)
	}
	p, err := Parse(text)
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", r.URL, err)
	}
	return p, nil
}

// dial tries the addresses of a host.
func (f Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	found, err := f.Resolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	port := 443
	if f.Port != 0 {
		port = f.Port
	}
	last := errors.New(host + " has no address that can be asked")
	for _, a := range found[:min(len(found), maxAddresses)] {
		if a.IP.IsLoopback() && !f.Loopback || a.IP.IsUnspecified() || a.IP.IsMulticast() {
			continue
		}
		dialer := net.Dialer{Timeout: fetchTime / 2}
		c, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), strconv.Itoa(port)))
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, last
}
