// Package mtasts is SMTP MTA Strict Transport Security (RFC 8461): what domains say about the TLS of their mail servers, and what we say of ours.
//
// A Cache finds the policies of others for delivery, which sends as they tell; it remembers them for as long as they ask, also over a restart, so
// that who can suppress an answer cannot suppress a policy. Ours returns the policy of a domain whose mail we take.
package mtasts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Modes of a policy. Those who send mail are bound by Enforce alone.
const (
	Enforce = "enforce"
	Testing = "testing"
	None    = "none"
)

// Policy of one domain, RFC 8461 section 3.2.
type Policy struct {
	Mode   string
	MX     []string // host names in lower case; "*.example.org" stands for one label more
	MaxAge time.Duration
}

// Limits of RFC 8461 sections 3.2 and 3.3: of a policy's text in bytes, and of its life.
const (
	maxPolicy  = 64 << 10
	maxSeconds = 31557600
)

// Parse reads the text of a policy. Fields it does not know are passed over; of one that is repeated, except mx, the first counts.
func Parse(text []byte) (Policy, error) {
	fields := map[string]string{}
	var p Policy
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(string(line), " \t\r\n"), ":")
		if name == "" && !ok {
			continue
		}
		if !ok || name != strings.TrimSpace(name) {
			return p, fmt.Errorf("the line %.40q is no field of a policy", line)
		}
		value = strings.TrimSpace(value)
		if name == "mx" {
			pattern := strings.ToLower(strings.TrimSuffix(value, "."))
			if !isName(strings.TrimPrefix(pattern, "*.")) {
				return p, fmt.Errorf("%.80q is no mail server", value)
			}
			p.MX = append(p.MX, pattern)
		} else if _, again := fields[name]; !again {
			fields[name] = value
		}
	}
	if fields["version"] != "STSv1" {
		return p, errors.New("it is not of version STSv1")
	}
	seconds, err := strconv.ParseUint(fields["max_age"], 10, 64)
	if err != nil || len(fields["max_age"]) > 10 {
		return p, fmt.Errorf("max_age is %.20q: that is no number of seconds", fields["max_age"])
	}
	p.MaxAge = time.Duration(min(seconds, maxSeconds)) * time.Second
	switch p.Mode = fields["mode"]; {
	case p.Mode != Enforce && p.Mode != Testing && p.Mode != None:
		return p, fmt.Errorf("mode is %.20q: that is not enforce, testing or none", p.Mode)
	case p.Mode != None && len(p.MX) == 0:
		return p, errors.New("it names no mail server")
	}
	return p, nil
}

// isName tells whether a text is the name of a host or domain in the DNS; letters of other scripts are A-labels there.
func isName(s string) bool {
	if len(s) > 240 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || label[0] == '-' {
			return false
		}
	}
	return true
}

// Allows tells whether a mail server is one that the policy names (RFC 8461 section 4.1).
func (p Policy) Allows(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if slices.Contains(p.MX, host) {
		return true
	}
	_, parent, ok := strings.Cut(host, ".")
	return ok && slices.Contains(p.MX, "*."+parent)
}

// String is the text that is served.
func (p Policy) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: STSv1\r\nmode: %s\r\n", p.Mode)
	for _, mx := range p.MX {
		fmt.Fprintf(&b, "mx: %s\r\n", mx)
	}
	fmt.Fprintf(&b, "max_age: %d\r\n", int(p.MaxAge.Seconds()))
	return b.String()
}

// ID changes when the policy does.
func (p Policy) ID() string {
	sum := sha256.Sum256([]byte(p.String()))
	return hex.EncodeToString(sum[:10])
}

// Ours is the policy of a domain whose only mail server is host: TLS with a valid certificate, remembered for a week.
func Ours(host string) Policy {
	return Policy{Mode: Enforce, MX: []string{strings.ToLower(host)}, MaxAge: 7 * 24 * time.Hour}
}

// Record is the TXT value at _mta-sts.DOMAIN that announces the policy.
func (p Policy) Record() string { return "v=STSv1; id=" + p.ID() + ";" }

// Announced reads the TXT records of _mta-sts.DOMAIN: the id of the policy, empty when none is announced (RFC 8461 section 3.1).
func Announced(texts []string) (id string) {
	found := 0
	for _, text := range texts {
		if rest, ok := strings.CutPrefix(text, "v=STSv1"); ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), ";") {
			found++
			id = idOf(rest)
		}
	}
	if found != 1 {
		return ""
	}
	return id
}

func idOf(fields string) string {
	for field := range strings.SplitSeq(fields, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name != "id" {
			continue
		}
		if len(value) > 32 || strings.Trim(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return ""
		}
		return value
	}
	return ""
}
