package arc_test

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/arc"
	"wesouthasians.org/sangam/smtpd/dkim"
)

const message = "From: Asha Rao <asha@example.org>\r\nTo: heplink@lists.example.org\r\nSubject: Hello\r\nDate: Tue, 24 Nov 2026 10:00:00 +0530\r\n" +
	"Message-ID: <1@example.org>\r\n\r\nHello all\r\n"

// hops are servers whose keys are published.
type hops struct {
	testing.TB
	rings  map[string]*dkim.Ring
	broken bool // the DNS does not answer
}

func newHops(t testing.TB, domains ...string) *hops {
	h := &hops{t, map[string]*dkim.Ring{}, false}
	for _, d := range domains {
		r, err := dkim.Open(filepath.Join(t.TempDir(), d), "s")
		if err != nil {
			t.Fatal(err)
		}
		h.rings[d] = r
	}
	return h
}

func (h *hops) lookup(name string) ([]string, error) {
	if h.broken {
		return nil, &net.DNSError{Err: "timeout", Name: name, IsTimeout: true, IsTemporary: true}
	}
	selector, domain, _ := strings.Cut(name, "._domainkey.")
	if r := h.rings[domain]; r != nil {
		for _, k := range r.Keys() {
			if k.Selector == selector {
				record, err := k.Record()
				return []string{"some other text", record}, err
			}
		}
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (h *hops) seal(raw, domain string, cv arc.Result) string {
	h.Helper()
	fields, err := arc.Seal([]byte(raw), domain+"; spf=pass smtp.mailfrom=example.org; dmarc=pass header.from=example.org", cv, domain, h.rings[domain].Keys()[0], time.Now())
	if err != nil {
		h.Fatal(err)
	}
	return string(fields) + raw
}

func (h *hops) check(what, raw string, want arc.Result, sealers ...string) {
	h.Helper()
	v, err := arc.Validate([]byte(raw), h.lookup, time.Now())
	if err != nil || v.Result != want || !slices.Equal(v.Sealers, sealers) {
		h.Errorf("%s: %v, %v; want %s %v", what, v, err, want, sealers)
	}
}

// Three servers, each changing the message before it seals.
func TestThreeHops(t *testing.T) {
	h := newHops(t, "one.example", "two.example", "three.example")
	h.check("no chain", message, arc.None)
	m := h.seal(message, "one.example", arc.None)
	h.check("one", m, arc.Pass, "one.example")
	m = strings.Replace(m, "Subject: Hello", "Subject: [list] Hello", 1) + "-- \r\nfooter\r\n"
	h.check("changed behind the seal", m, arc.Fail)
	m = h.seal(m, "two.example", arc.Pass)
	h.check("two", m, arc.Pass, "one.example", "two.example")
	m = h.seal("Received: by two.example\r\n"+strings.Replace(m, "\r\nfooter", "\r\nother footer", 1), "three.example", arc.Pass)
	h.check("three", m, arc.Pass, "one.example", "two.example", "three.example")
	h.check("a field on top", "DKIM-Signature: v=1; a=x\r\nReceived: by x\r\n"+m, arc.Pass, "one.example", "two.example", "three.example")
}

func TestBrokenChains(t *testing.T) {
	h := newHops(t, "one.example", "two.example")
	one := h.seal(message, "one.example", arc.None)
	two := h.seal(one, "two.example", arc.Pass)
	for what, change := range map[string][2]string{
		"other results":            {"spf=pass", "spf=fail"},
		"other subject":            {"Subject: Hello", "Subject: Hullo"},
		"second From":              {"Subject:", "From: evil@example.org\r\nSubject:"},
		"other body":               {"Hello all", "Hallo all"},
		"missing results":          {"ARC-Authentication-Results: i=1;", "X-Results: i=1;"},
		"a gap":                    {"Results: i=1; one.example", "Results: i=3; one.example"},
		"instance 0":               {"Results: i=1; one.example", "Results: i=0; one.example"},
		"instance 51":              {"Results: i=1; one.example", "Results: i=51; one.example"},
		"instance 01":              {"Results: i=1; one.example", "Results: i=01; one.example"},
		"no instance":              {"Results: i=1; one.example", "Results: one.example"},
		"cv of the first":          {"cv=none", "cv=pass"},
		"tag twice":                {"cv=none", "cv=none; cv=none"},
		"h in the seal":            {"cv=none", "cv=none; h=from"},
		"unknown algorithm":        {"a=rsa-sha256; cv=pass", "a=rsa-sha1; cv=pass"},
		"key not published":        {"d=one.example", "d=three.example"},
		"canonicalization unknown": {"c=relaxed/relaxed", "c=relaxed/nowsp"},
		"canonicalization empty":   {"c=relaxed/relaxed", "c="},
		"canonicalization halved":  {"c=relaxed/relaxed", "c=relaxed/"},
		"algorithm in capitals":    {"a=rsa-sha256; cv=pass", "a=RSA-SHA256; cv=pass"},
		"seal of another key":      {"s=s; t=", "s=s-ed25519; t="},
	} {
		changed := strings.Replace(two, change[0], change[1], 1)
		if changed == two {
			t.Fatalf("%s: nothing is changed", what)
		}
		h.check(what, changed, arc.Fail)
	}
	h.check("a field twice", one[:strings.Index(one, "ARC-Message")]+one, arc.Fail)
	h.broken = true
	if v, err := arc.Validate([]byte(one), h.lookup, time.Now()); err == nil {
		t.Errorf("without the DNS: %v", v)
	}
}

// A chain that failed is told so once, and not continued behind that.
func TestFailedChainEnds(t *testing.T) {
	h := newHops(t, "one.example", "two.example")
	m := h.seal(h.seal(message, "one.example", arc.None)+"more\r\n", "two.example", arc.Fail)
	if !strings.Contains(m, "cv=fail") {
		t.Errorf("the seal does not say so:\n%s", m)
	}
	h.check("sealed as failed", m, arc.Fail)
	if again := h.seal(m, "one.example", arc.Fail); again != m {
		t.Errorf("continued:\n%s", again)
	}
}

func FuzzValidate(f *testing.F) {
	h := newHops(f, "one.example", "two.example")
	one := h.seal(message, "one.example", arc.None)
	f.Add(one)
	f.Add(h.seal(one, "two.example", arc.Pass))
	f.Add("ARC-Seal: i=50; cv=none\r\narc-message-signature:i=50;c=x/\r\nARC-Authentication-Results: i=50\r\n\r\n")
	key := h.rings["one.example"].Keys()[1]
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := arc.Validate([]byte(raw), h.lookup, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if v.Result == arc.Pass && !strings.Contains(raw, "one.example") {
			t.Errorf("passed: %q", raw)
		}
		if _, err := arc.Seal([]byte(raw), "x; none", v.Result, "one.example", key, time.Now()); err != nil {
			t.Error(err)
		}
	})
}
