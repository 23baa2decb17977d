package store

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Ban keeps those whose address matches a pattern off a list, or off the site.
type Ban struct {
	List    uint64    `cbor:"1,keyasint,omitempty"` // 0: the whole site
	Pattern string    `cbor:"2,keyasint,omitempty"`
	Created time.Time `cbor:"3,keyasint,omitempty"`
}

// ParsePattern reads the pattern of a ban: an address, a domain (which stands for *@domain), or a pattern in which * is any text.
func ParsePattern(s string) (string, error) {
	s = norm.NFC.String(strings.ToLower(strings.TrimSpace(s)))
	bad := strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == ',' })
	at := strings.LastIndexByte(s, '@')
	local, domain := s[:max(0, at)], asciiLabels(s[at+1:])
	if at < 0 && strings.Contains(s, "*") { // any text, perhaps over the @
		domain = s
	}
	switch {
	case bad, len(s) > 254, domain == "", strings.Count(s, "*") > 4, strings.Trim(s, "*@.") == "", at < 0 && !strings.ContainsAny(s, "*."):
		return "", fmt.Errorf("%q is no pattern: use an address, a domain, or one with * like *@example.org", s)
	case at < 0 && strings.Contains(s, "*"):
		return s, nil
	case local == "":
		return "*@" + domain, nil
	}
	return local + "@" + domain, nil
}

// asciiLabels writes a domain as addresses have it. A label with * stays as it is.
func asciiLabels(domain string) string {
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		if ascii, err := parseDomain(label); err == nil {
			labels[i] = ascii
		}
	}
	return strings.Join(labels, ".")
}

// Matches tells whether an address is banned by it, with its subaddress or without.
func (b Ban) Matches(a Address) bool {
	base, _, _ := strings.Cut(a.Local(), "+")
	return globMatch(b.Pattern, string(a)) || globMatch(b.Pattern, base+"@"+a.Domain())
}

// globMatch matches with * as any text, in time linear in each part.
func globMatch(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) || len(s) < len(first)+len(last) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// AddBan keeps a ban.
func (s *Store) AddBan(b Ban) error {
	return s.engine.Update(func(tx Tx) error { return put(tx, key(tBan, b.List, b.Pattern), b) })
}

// RemoveBan lifts one. ErrNotFound.
func (s *Store) RemoveBan(list uint64, pattern string) error {
	return s.engine.Update(func(tx Tx) error {
		k := key(tBan, list, pattern)
		if tx.Get(k) == nil {
			return fmt.Errorf("ban %s: %w", pattern, ErrNotFound)
		}
		return tx.Delete(k)
	})
}

// Bans of a list; 0: of the site.
func (s *Store) Bans(list uint64) (bs []Ban, err error) {
	err = s.engine.View(func(tx Tx) error {
		bs, err = scanAll[Ban](tx, key(tBan, list), nil)
		return err
	})
	return bs, err
}

// Banned tells whether an address is kept off a list, by its own bans or those of the site.
func (s *Store) Banned(list uint64, as ...Address) (banned bool, err error) {
	for _, of := range []uint64{0, list} {
		bs, err := s.Bans(of)
		if err != nil {
			return false, err
		}
		for _, b := range bs {
			for _, a := range as {
				if b.Matches(a) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// Trusted tells whether an author is trusted, by this address or the one it was changed to.
func (s *Store) Trusted(list uint64, a Address) (yes bool, err error) {
	err = s.engine.View(func(tx Tx) error {
		yes = tx.Get(key(tTrust, list, a)) != nil || tx.Get(key(tTrust, list, mainAddress(tx, a))) != nil
		return nil
	})
	return yes, err
}

// moveTrust gives the trust in one address to another, on every list.
func moveTrust(tx Tx, from, to Address) error {
	for _, list := range listIDs(tx) {
		if tx.Get(key(tTrust, list, from)) == nil {
			continue
		}
		if err := tx.Delete(key(tTrust, list, from)); err != nil {
			return err
		}
		if err := tx.Put(key(tTrust, list, to), present); err != nil {
			return err
		}
	}
	return nil
}
