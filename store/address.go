package store

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is a mail address in the form that identifies it: local part folded to lower case and NFC, domain as A-label
// in lower case.
type Address string

var errAddress = errors.New("not a mail address: write it like name@example.org")

// ParseAddress reads one Mailbox of RFC 5321 section 4.1.2 (RFC 6531 for other than ASCII): no display name, no
// comments, no control characters, at most 254 bytes, the local part at most 64.
func ParseAddress(s string) (Address, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > 254 || at > 64 || !utf8.ValidString(s) {
		return "", errAddress
	}
	local, err := parseLocal(s[:at])
	if err != nil {
		return "", err
	}
	domain, err := parseDomain(s[at+1:])
	if err != nil {
		return "", err
	}
	return Address(local + "@" + domain), nil
}

// Local is the part before the last @.
func (a Address) Local() string {
	return string(a[:max(0, strings.LastIndexByte(string(a), '@'))])
}

// Domain is the part behind the last @.
func (a Address) Domain() string {
	return string(a[strings.LastIndexByte(string(a), '@')+1:])
}

func parseLocal(s string) (string, error) {
	if s[0] == '"' {
		if len(s) < 2 || s[len(s)-1] != '"' {
			return "", errAddress
		}
		plain, err := unquote(s[1 : len(s)-1])
		if err != nil {
			return "", err
		}
		if !dotAtom(plain) {
			return strings.ToLower(`"` + quoteEscaper.Replace(plain) + `"`), nil
		}
		s = plain
	}
	if !dotAtom(s) {
		return "", errAddress
	}
	return strings.ToLower(norm.NFC.String(s)), nil
}

var quoteEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func unquote(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] >= ' ' && s[i+1] < 0x7f:
			i++
			b.WriteByte(s[i])
		case c == '\\' || c == '"' || c < ' ' || c == 0x7f:
			return "", errAddress
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func dotAtom(s string) bool {
	for _, atom := range strings.Split(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~", r) ||
				unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
				return false
			}
		}
	}
	return true
}

func parseDomain(s string) (string, error) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		literal := strings.ToLower(s[1 : len(s)-1])
		ip, err := netip.ParseAddr(strings.TrimPrefix(literal, "ipv6:"))
		if err != nil || ip.Zone() != "" || strings.HasPrefix(literal, "ipv6:") != ip.Is6() {
			return "", errAddress
		}
		return "[" + literal + "]", nil
	}
	if ascii := asciiDomain(s); ascii != "" {
		return ascii, nil
	}
	domain, err := idna.Lookup.ToASCII(s)
	if err != nil || asciiDomain(domain) == "" {
		return "", fmt.Errorf("%w (the part behind @ is no domain name)", errAddress)
	}
	return domain, nil
}

// asciiDomain folds a domain of letters, digits and hyphens (RFC 5321 Domain) and returns "" for any other.
func asciiDomain(s string) string {
	if s == "" || len(s) > 253 {
		return ""
	}
	s = strings.ToLower(s)
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return ""
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return ""
			}
		}
	}
	return s
}
