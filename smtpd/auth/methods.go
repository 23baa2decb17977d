package auth

import (
	"bytes"
	"context"
	"net"
	"strings"

	spf "blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
)

// Resolver asks the DNS, as net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// outcome of one method for one domain.
type outcome struct {
	domain    string // that it passed for; empty: it did not
	temporary bool   // the DNS did not answer
}

// spf asks whether the client may send for the domain of the envelope, or of its greeting when the return path is null.
func (m *message) spf(ctx context.Context) outcome {
	ip := m.envelope.Remote.Addr()
	if !ip.IsValid() {
		m.results.add("spf=none")
		return outcome{}
	}
	sender, domain, what := m.envelope.Sender, m.sender().Domain(), "smtp.mailfrom"
	if domain == "" {
		sender, domain, what = "", strings.ToLower(m.envelope.Helo), "smtp.helo"
	}
	result, _ := spf.CheckHostWithSender(net.IP(ip.AsSlice()), m.envelope.Helo, sender, spf.WithContext(ctx), spf.WithResolver(m.Resolver))
	value := sender
	if what == "smtp.helo" {
		value = domain
	}
	m.results.add("spf=" + string(result) + " " + what + "=" + pvalue(value))
	o := outcome{temporary: result == spf.TempError}
	if result == spf.Pass {
		o.domain = domain
	}
	return o
}

// maxSignatures that are checked.
const maxSignatures = 8

// dkim checks the signatures.
func (m *message) dkim(ctx context.Context) (os []outcome) {
	if !m.header.Has("DKIM-Signature") || !bytes.Contains(m.raw, []byte("\r\n\r\n")) {
		m.results.add("dkim=none")
		return nil
	}
	vs, _ := dkim.VerifyWithOptions(bytes.NewReader(m.raw), &dkim.VerifyOptions{MaxVerifications: maxSignatures,
		LookupTXT: func(name string) ([]string, error) { return m.Resolver.LookupTXT(ctx, name) }})
	if len(vs) == 0 {
		m.results.add("dkim=permerror")
	}
	for _, v := range vs {
		o, result := outcome{}, "fail"
		switch {
		case v.Err == nil:
			result, o.domain = "pass", strings.ToLower(v.Domain)
		case dkim.IsTempFail(v.Err):
			result, o.temporary = "temperror", true
		case dkim.IsPermFail(v.Err):
			result = "permerror"
		}
		text := "dkim=" + result
		if v.Err != nil {
			text += reason(strings.TrimPrefix(v.Err.Error(), "dkim: "))
		}
		m.results.add(text + " header.d=" + pvalue(v.Domain))
		os = append(os, o)
	}
	return os
}
