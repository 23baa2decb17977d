package arc

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/smtpd/dkim"
)

// Result of a chain, RFC 8617 section 4.4.
type Result string

// Results: None says that there is no chain.
const (
	None Result = "none"
	Pass Result = "pass"
	Fail Result = "fail"
)

// Validation is what was found out about the chain of a message.
type Validation struct {
	Result  Result
	Sealers []string // domains of the seals, oldest first, when Result is Pass
	Results []string // what each of them found, as in Authentication-Results
	Reason  string   // of Fail
}

// LookupTXT asks for the TXT records of a name. Its errors are those of net.Resolver.
type LookupTXT func(name string) ([]string, error)

// errTemporary: the DNS has no answer now.
var errTemporary = errors.New("the DNS does not answer")

// Validate checks the chain of a message whose lines end in CRLF (RFC 8617 section 5.2). An error says that the DNS has no answer now.
func Validate(raw []byte, lookup LookupTXT, now time.Time) (Validation, error) {
	fields, body := dkim.Split(raw)
	c := readChain(fields)
	if c.highest == 0 && c.broken == nil {
		return Validation{Result: None}, nil
	}
	err := c.validate(fields, body, lookup, now)
	if errors.Is(err, errTemporary) {
		return Validation{}, err
	}
	if err != nil {
		return Validation{Result: Fail, Reason: err.Error()}, nil
	}
	v := Validation{Result: Pass}
	for _, s := range c.sets {
		v.Sealers = append(v.Sealers, strings.ToLower(s.sealTags["d"]))
		_, found, _ := strings.Cut(string(s.results.Raw), ";")
		v.Results = append(v.Results, found)
	}
	return v, nil
}

func (c chain) validate(fields []dkim.Field, body []byte, lookup LookupTXT, now time.Time) error {
	if c.broken != nil {
		return c.broken
	}
	for n, s := range c.sets {
		want := string(Pass)
		if n == 0 {
			want = string(None)
		}
		if got := s.sealTags["cv"]; got != want {
			return fmt.Errorf("the seal of set %d says cv=%.10s", n+1, got)
		}
	}
	last := c.sets[len(c.sets)-1]
	if err := last.checkMessage(fields, body, lookup, now); err != nil {
		return fmt.Errorf("message signature of set %d: %w", len(c.sets), err)
	}
	for n := len(c.sets); n > 0; n-- {
		if err := c.checkSeal(n, lookup); err != nil {
			return fmt.Errorf("seal of set %d: %w", n, err)
		}
	}
	return nil
}

// checkSeal of set n, which covers every set up to it.
func (c chain) checkSeal(n int, lookup LookupTXT) error {
	t := c.sets[n-1].sealTags
	if _, ok := t["h"]; ok {
		return errors.New("it has a tag h")
	}
	var data []byte
	for i, s := range c.sets[:n] {
		if data = appendSet(data, s); i < n-1 {
			data = append(dkim.AppendField(data, s.seal, true), "\r\n"...)
		}
	}
	data = dkim.AppendField(data, unsigned(c.sets[n-1].seal), true)
	return verify(t, data, lookup)
}

// appendSet writes the fields of a set that its own seal covers.
func appendSet(data []byte, s set) []byte {
	for _, f := range []dkim.Field{s.results, s.message} {
		data = append(dkim.AppendField(data, f, true), "\r\n"...)
	}
	return data
}

// checkMessage verifies the signature over the message, which is that of DKIM but for its name.
func (s set) checkMessage(fields []dkim.Field, body []byte, lookup LookupTXT, now time.Time) error {
	t := s.messageTags
	if x, ok := t["x"]; ok {
		if at, err := strconv.ParseInt(x, 10, 64); err != nil || now.Unix() > at {
			return errors.New("it has expired")
		}
	}
	if c, ok := t["c"]; ok && c == "" {
		return errors.New("tag c")
	}
	head, whole, err := canonical(t["c"])
	if err != nil {
		return err
	}
	limit := int64(-1)
	if l, ok := t["l"]; ok {
		if limit, err = strconv.ParseInt(l, 10, 64); err != nil || limit < 0 || limit > int64(len(body)) {
			return errors.New("tag l")
		}
	}
	hash, err := base64.StdEncoding.DecodeString(t["bh"])
	if err != nil || subtle.ConstantTimeCompare(hash, dkim.BodyHash(body, whole, limit)) == 0 {
		return errors.New("the body was changed")
	}
	names := strings.Split(strings.ToLower(t["h"]), ":")
	if !slices.Contains(names, "from") || slices.Contains(names, sealField) {
		return errors.New("tag h")
	}
	data := selected(fields, names, head)
	return verify(t, dkim.AppendField(data, unsigned(s.message), head), lookup)
}

// selected are the fields that a tag h= names, each taken once, the last of a name first (RFC 6376 section 5.4.2).
func selected(fields []dkim.Field, names []string, relaxed bool) (data []byte) {
	taken := map[string]int{}
	for _, name := range names {
		left := taken[name]
		for _, f := range slices.Backward(fields) {
			if f.Name != name {
				continue
			}
			if left == 0 {
				data = append(dkim.AppendField(data, f, relaxed), "\r\n"...)
				break
			}
			left--
		}
		taken[name]++
	}
	return data
}

// canonical reads a tag c=: whether header and body are relaxed.
func canonical(c string) (head, body bool, err error) {
	h, b, both := strings.Cut(c, "/")
	for _, word := range []string{h, b} {
		if word != "simple" && word != "relaxed" && (word != "" || both) {
			return false, false, errors.New("tag c")
		}
	}
	return h == "relaxed", b == "relaxed", nil
}

// minRSA is the least size of a key, RFC 8301 section 3.2.
const minRSA = 1024

// verify a signature by its tags.
func verify(t tags, data []byte, lookup LookupTXT) error {
	b, err := base64.StdEncoding.DecodeString(t["b"])
	if err != nil || len(b) == 0 {
		return errors.New("tag b")
	}
	if t["a"] != "rsa-sha256" && t["a"] != "ed25519-sha256" {
		return fmt.Errorf("algorithm %.20q", t["a"])
	}
	if t["d"] == "" || t["s"] == "" {
		return errors.New("no selector or domain")
	}
	key, err := publicKey(t["s"]+"._domainkey."+t["d"], strings.TrimSuffix(t["a"], "-sha256"), lookup)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	switch k := key.(type) {
	case ed25519.PublicKey:
		if ed25519.Verify(k, sum[:], b) {
			return nil
		}
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return fmt.Errorf("the key has only %d bits", k.N.BitLen())
		}
		if rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], b) == nil {
			return nil
		}
	}
	return errors.New("the signature does not fit")
}

// publicKey reads the record of a key, RFC 6376 section 3.6.1.
func publicKey(name, kind string, lookup LookupTXT) (crypto.PublicKey, error) {
	records, err := lookup(name)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return nil, errors.New("the key is not published")
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", errTemporary, name, err)
	}
	for _, r := range records {
		t, err := parseTags(r)
		if err != nil || t["v"] != "" && t["v"] != "DKIM1" || t["k"] != "" && t["k"] != kind || t["k"] == "" && kind != "rsa" ||
			t["h"] != "" && !slices.Contains(strings.Split(t["h"], ":"), "sha256") {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(t["p"])
		if err != nil || len(der) == 0 {
			continue
		}
		if kind == "ed25519" && len(der) == ed25519.PublicKeySize {
			return ed25519.PublicKey(bytes.Clone(der)), nil
		}
		if k, err := x509.ParsePKIXPublicKey(der); err == nil {
			return k, nil
		}
		if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
			return k, nil
		}
	}
	return nil, errors.New("no usable key is published")
}
