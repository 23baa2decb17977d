package auth_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/smtpd/arc"
	"wesouthasians.org/sangam/smtpd/auth"
	"wesouthasians.org/sangam/smtpd/dkim"
)

// zone is a small internet: TXT records by name, and names whose servers do not answer.
type zone struct {
	txt  map[string]string
	dead map[string]bool
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z.dead[name] {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if t := z.txt[name]; t != "" {
		return strings.Split(t, "\n"), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if z.txt["mx "+name] != "" {
		return []*net.MX{{Host: z.txt["mx "+name]}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupAddr(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestPolicies(t *testing.T) {
	z := zone{txt: map[string]string{
		"_dmarc.none.example":        "v=DMARC1; p=none",
		"_dmarc.reject.example":      "v=DMARC1; p=reject; sp=quarantine; np=reject; adkim=s",
		"mx a.reject.example":        "mx.reject.example",
		"_dmarc.testing.example":     "v=DMARC1; p=reject; t=y",
		"_dmarc.pct.example":         "v=DMARC1; p=quarantine; pct=0",
		"_dmarc.twice.example":       "v=DMARC1; p=reject\nv=DMARC1; p=none",
		"_dmarc.other.example":       "some text\nv=DMARC1;p=Quarantine ; rua=mailto:x@y",
		"_dmarc.bad.example":         "v=DMARC1; p=wrong",
		"_dmarc.version.example":     "v=DMARC2; p=reject",
		"_dmarc.suffix.example":      "v=DMARC1; p=reject; psd=y; sp=quarantine",
		"_dmarc.own.suffix.example":  "v=DMARC1; p=none",
		"_dmarc.unit.reject.example": "v=DMARC1; p=none; psd=n; sp=quarantine",
		"mx x.unit.reject.example":   "mx",
		"_dmarc.d4.d3.d2.d1.example": "v=DMARC1; p=reject",
		"_dmarc.dead.example":        "v=DMARC1; p=none",
	}, dead: map[string]bool{"_dmarc.dead.example": true}}
	p := auth.Policies{Resolver: z}
	for domain, want := range map[string]string{
		"unknown.example": "", "none.example": "none", "reject.example": "reject", "REJECT.example": "reject", "a.reject.example": "quarantine",
		"missing.reject.example": "reject", "testing.example": "reject", "pct.example": "quarantine", "twice.example": "", "other.example": "quarantine",
		"bad.example": "none", "version.example": "", "own.suffix.example": "none", "x.own.suffix.example": "none", "new.suffix.example": "quarantine",
		"x.unit.reject.example": "quarantine", "unit.reject.example": "none", "a.b.c.d.e.f.g.h.d4.d3.d2.d1.example": "reject", "d1.example": "",
	} {
		got, err := p.Of(t.Context(), domain)
		if err != nil || got.Wanted != want {
			t.Errorf("%s: %q %v, want %q", domain, got.Wanted, err, want)
		}
		if got.Enforced() != (want == "reject" && domain != "testing.example") {
			t.Errorf("%s: enforced %v", domain, got.Enforced())
		}
	}
	if _, err := p.Of(t.Context(), "dead.example"); err == nil {
		t.Error("no error though the DNS does not answer")
	}
}

// world is a verifier at lists.example.org, and domains that sign.
type world struct {
	*testing.T
	zone
	rings map[string]*dkim.Ring
}

func newWorld(t *testing.T, txt map[string]string, signers ...string) *world {
	w := &world{t, zone{txt, map[string]bool{}}, map[string]*dkim.Ring{}}
	for _, d := range signers {
		r, err := dkim.Open(filepath.Join(t.TempDir(), d), "s")
		if err != nil {
			t.Fatal(err)
		}
		w.rings[d] = r
		for _, k := range r.Keys() {
			if w.txt[k.Selector+"._domainkey."+d], err = k.Record(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

func (w *world) sign(domain, raw string) string {
	w.Helper()
	fields, err := dkim.Prepare([]byte(raw), domain, w.rings[domain].Keys()).Sign(nil, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return string(fields) + raw
}

func (w *world) verify(e intake.Envelope, raw string) (string, post.Auth, error) {
	v := auth.New(auth.Options{Hostname: "lists.example.org", Resolver: w, TrustedServers: []string{"mx.example.org"},
		TrustedSealers: []string{"forwarder.example"}, Now: time.Now}, &auth.Policies{Resolver: w})
	out, a, err := v.Verify(w.Context(), e, []byte(raw))
	return string(out), a, err
}

func remote(ip, sender string) intake.Envelope {
	return intake.Envelope{Remote: netip.AddrPortFrom(netip.MustParseAddr(ip), 25), Helo: "mail.sender.example", Sender: sender}
}

func message(from string) string {
	return "From: " + from + "\r\nTo: heplink@lists.example.org\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 10:00:00 +0530\r\n\r\ntext\r\n"
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t, map[string]string{
		"_dmarc.strict.example":  "v=DMARC1; p=reject; adkim=s; aspf=s",
		"_dmarc.relaxed.example": "v=DMARC1; p=reject",
		"_dmarc.weak.example":    "v=DMARC1; p=none",
		"relaxed.example":        "v=spf1 ip4:192.0.2.1 -all",
		"mail.sender.example":    "v=spf1 ip4:192.0.2.1 -all",
	}, "strict.example", "sub.strict.example", "relaxed.example", "sub.relaxed.example", "other.example")
	for _, c := range []struct {
		what, ip, sender, raw string
		want                  post.Auth
		results               string
	}{
		{"own signature", "192.0.2.9", "x@other.example", w.sign("strict.example", message("a@strict.example")), post.Auth{Domain: "strict.example", Verified: true}, "dmarc=pass policy.dmarc=reject header.from=strict.example"},
		{"of a subdomain, strict", "192.0.2.9", "x@other.example", w.sign("sub.strict.example", message("a@strict.example")), post.Auth{Domain: "strict.example", Refused: true}, "dmarc=fail"},
		{"of a subdomain, relaxed", "192.0.2.9", "x@other.example", w.sign("sub.relaxed.example", message("a@relaxed.example")), post.Auth{Domain: "relaxed.example", Verified: true}, "dkim=pass header.d=sub.relaxed.example"},
		{"of another", "192.0.2.9", "x@other.example", w.sign("other.example", message("a@relaxed.example")), post.Auth{Domain: "relaxed.example", Refused: true}, "dmarc=fail"},
		{"a broken one", "192.0.2.9", "x@other.example", w.sign("relaxed.example", message("a@relaxed.example")) + "more\r\n", post.Auth{Domain: "relaxed.example", Refused: true}, "dkim=fail"},
		{"SPF", "192.0.2.1", "bounce@relaxed.example", message("a@relaxed.example"), post.Auth{Domain: "relaxed.example", Verified: true}, "spf=pass smtp.mailfrom=bounce@relaxed.example"},
		{"SPF of another client", "192.0.2.2", "bounce@relaxed.example", message("a@relaxed.example"), post.Auth{Domain: "relaxed.example", Refused: true}, "spf=fail"},
		{"null return path", "192.0.2.1", "", message("a@relaxed.example"), post.Auth{Domain: "relaxed.example", Refused: true}, "spf=pass smtp.helo=mail.sender.example"},
		{"no policy", "192.0.2.9", "a@nowhere.example", message("a@nowhere.example"), post.Auth{Domain: "nowhere.example"}, "dmarc=none header.from=nowhere.example"},
		{"policy none", "192.0.2.9", "a@weak.example", message("a@weak.example"), post.Auth{Domain: "weak.example"}, "dmarc=fail policy.dmarc=none"},
		{"two authors", "192.0.2.9", "a@weak.example", message("a@strict.example, b@relaxed.example"), post.Auth{}, "dmarc=none reason="},
		{"hostile words", "192.0.2.9", "\"a;dmarc=pass\"@weak.example", message("a@weak.example"), post.Auth{Domain: "weak.example"}, `smtp.mailfrom="`},
	} {
		out, got, err := w.verify(remote(c.ip, c.sender), c.raw)
		field, _, _ := strings.Cut(out, "\r\nFrom:")
		if err != nil || got != c.want || !strings.Contains(field, c.results) {
			t.Errorf("%s: %+v %v, want %+v and %s in\n%s", c.what, got, err, c.want, c.results, field)
		}
		if !strings.HasPrefix(out, "Authentication-Results: lists.example.org;\r\n\t") || !strings.HasSuffix(out, c.raw) {
			t.Errorf("%s: the message becomes\n%s", c.what, out)
		}
	}
}

func TestDNSTrouble(t *testing.T) {
	w := newWorld(t, map[string]string{"_dmarc.strict.example": "v=DMARC1; p=reject", "_dmarc.weak.example": "v=DMARC1; p=none"}, "strict.example", "weak.example")
	strict, weak := w.sign("strict.example", message("a@strict.example")), w.sign("weak.example", message("a@weak.example"))
	for _, name := range []string{"s._domainkey.", "s-ed25519._domainkey."} {
		w.dead[name+"strict.example"], w.dead[name+"weak.example"] = true, true
	}
	if _, _, err := w.verify(remote("192.0.2.9", "a@x.example"), strict); !errors.Is(err, auth.ErrTemporary) {
		t.Errorf("a signature that cannot be checked, policy reject: %v", err)
	}
	if out, _, err := w.verify(remote("192.0.2.9", "a@x.example"), weak); err != nil || !strings.Contains(out, "dkim=temperror") {
		t.Errorf("policy none: %v\n%s", err, out)
	}
	w.dead["_dmarc.weak.example"] = true
	if _, _, err := w.verify(remote("192.0.2.9", "a@x.example"), weak); !errors.Is(err, auth.ErrTemporary) {
		t.Errorf("a policy that cannot be read: %v", err)
	}
	trusted := remote("192.0.2.9", "a@x.example")
	trusted.Trusted = true
	if _, _, err := w.verify(trusted, strict); err != nil {
		t.Errorf("mail of a trusted network: %v", err)
	}
}

// What servers of our own say is believed on mail from trusted networks, and nobody speaks in our name.
func TestBelieved(t *testing.T) {
	w := newWorld(t, map[string]string{})
	trusted := remote("192.0.2.9", "a@example.org")
	trusted.Trusted = true
	ours := "Authentication-Results: mx.example.org;\r\n\tspf=pass (all; well) smtp.mailfrom=a@example.org; dmarc=pass header.from=example.org\r\n"
	out, a, err := w.verify(trusted, ours+message("a@example.org"))
	if err != nil || !a.Verified || !strings.HasPrefix(out, "Authentication-Results: lists.example.org;\r\n\tspf=pass (all; well) smtp.mailfrom=a@example.org;\r\n\tdmarc=pass header.from=example.org;\r\n\tarc=none\r\n") {
		t.Errorf("%+v %v\n%s", a, err, out)
	}
	for what, raw := range map[string]string{
		"of another server":              "Authentication-Results: mx.evil.example; dmarc=pass header.from=example.org\r\n" + message("a@example.org"),
		"below a failure":                "Authentication-Results: mx.example.org; dmarc=fail header.from=example.org\r\n" + ours + message("a@example.org"),
		"for another domain":             ours + message("a@example.net"),
		"with two authors":               ours + message("a@example.org, b@example.org"),
		"in a quoted string":             `Authentication-Results: mx.example.org; spf=fail smtp.mailfrom="x; dmarc=pass header.from=example.org ; y"` + "\r\n" + message("a@example.org"),
		"in a reason":                    `Authentication-Results: mx.example.org; dmarc=pass reason="x header.from=example.org y" header.from=evil.example` + "\r\n" + message("a@example.org"),
		"beside a failure":               "Authentication-Results: mx.example.org; dmarc=fail header.from=example.org; dmarc=pass header.from=example.org\r\n" + message("a@example.org"),
		"below a failure with a version": "Authentication-Results: mx.example.org 1; dmarc=fail header.from=example.org\r\n" + ours + message("a@example.org"),
		"in a comment":                   "Authentication-Results: mx.example.org; none (; dmarc=pass header.from=example.org)\r\n" + message("a@example.org"),
	} {
		if out, a, err := w.verify(trusted, raw); err != nil || a.Verified {
			t.Errorf("%s: %+v %v\n%s", what, a, err, out)
		}
	}
	out, a, err = w.verify(remote("192.0.2.9", "a@example.org"), ours+message("a@example.org"))
	if err != nil || a.Verified {
		t.Errorf("believed a stranger: %+v %v\n%s", a, err, out)
	}
	forged := "X-First: 1\r\nauthentication-results : (x) LISTS.example.org 1;\r\n dmarc=pass header.from=example.org\r\nAuthentication-Results: other.example; none\r\n" + message("a@example.org")
	if out, _, _ := w.verify(trusted, forged); strings.Contains(out, "dmarc=pass") || !strings.Contains(out, "X-First: 1\r\nAuthentication-Results: other.example") {
		t.Errorf("somebody speaks in our name:\n%s", out)
	}
}

// A forwarder that is trusted vouches for a message that it changed.
func TestSealVouches(t *testing.T) {
	w := newWorld(t, map[string]string{"_dmarc.strict.example": "v=DMARC1; p=reject"}, "forwarder.example", "other.example")
	seal := func(domain, results, raw string, cv arc.Result) string {
		fields, err := arc.Seal([]byte(raw), domain+"; "+results, cv, domain, w.rings[domain].Keys()[0], time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return string(fields) + raw
	}
	good := seal("forwarder.example", "dmarc=pass header.from=strict.example", message("a@strict.example"), arc.None)
	for what, c := range map[string]struct {
		raw     string
		refused bool
	}{
		"trusted":                 {good, false},
		"changed behind it":       {good + "more\r\n", true},
		"it had failed":           {seal("forwarder.example", "dmarc=fail header.from=strict.example", message("a@strict.example"), arc.None), true},
		"for another":             {seal("forwarder.example", "dmarc=pass header.from=other.example", message("a@strict.example"), arc.None), true},
		"of somebody":             {seal("other.example", "dmarc=pass header.from=strict.example", message("a@strict.example"), arc.None), true},
		"then through a stranger": {seal("other.example", "arc=pass", good, arc.Pass), true},
		"twice":                   {seal("forwarder.example", "arc=pass", good, arc.Pass), false},
	} {
		if out, a, err := w.verify(remote("192.0.2.9", "x@other.example"), c.raw); err != nil || a.Refused != c.refused {
			t.Errorf("%s: %+v %v, want %v\n%s", what, a, err, c.refused, out)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("Authentication-Results: mx.example.org; dmarc=pass header.from=example.org\r\n" + message("a@example.org"))
	f.Add("Authentication-Results: (\\\r\n lists.example.org; \"\r\nDKIM-Signature: v=1; a=rsa-sha256\r\n\r\n")
	v := auth.New(auth.Options{Hostname: "lists.example.org", Resolver: zone{}, TrustedServers: []string{"mx.example.org"}, Now: time.Now},
		&auth.Policies{Resolver: zone{}})
	f.Fuzz(func(t *testing.T, raw string) {
		for _, trusted := range []bool{true, false} {
			e := remote("192.0.2.1", "a@example.org")
			e.Trusted = trusted
			out, _, err := v.Verify(t.Context(), e, []byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(out), "\r\n\r\n")
			if n := strings.Count(strings.ToLower(head), "authentication-results: lists.example.org"); n != 1 && !strings.Contains(raw, "lists.example.org") {
				t.Errorf("%d fields in our name: %q", n, out)
			}
		}
	})
}
