package smtpd

import (
	"fmt"
	"strings"
	"time"
)

// received is the trace field of RFC 5321 section 4.4, with the protocol names of RFC 3848 and RFC 6531.
func (s *session) received(now time.Time) []byte {
	protocol := "SMTP"
	if s.utf8 {
		protocol = "UTF8SMTP"
	}
	switch {
	case s.envelope.LMTP && s.utf8:
		protocol = "UTF8LMTP"
	case s.envelope.LMTP:
		protocol = "LMTP"
	case !s.utf8:
		protocol = "ESMTP"
	}
	if s.envelope.TLS {
		protocol += "S"
	}
	from := "from " + token(s.envelope.Helo)
	if a := s.envelope.Remote.Addr(); a.IsValid() {
		literal := a.String()
		if a.Is6() {
			literal = "IPv6:" + literal
		}
		from += " ([" + literal + "])"
	}
	line := fmt.Sprintf("Received: %s\r\n\tby %s with %s id %s", from, s.server.Hostname, protocol, s.envelope.ID)
	if len(s.to) == 1 {
		line += "\r\n\tfor <" + token(s.to[0]) + ">"
	}
	return []byte(line + ";\r\n\t" + now.UTC().Format(time.RFC1123Z) + "\r\n")
}

// fullName tells whether a client greets with a full name or an address literal, as RFC 5321 section 4.1.1.1 asks.
func fullName(helo string) bool {
	if strings.HasPrefix(helo, "[") {
		return strings.HasSuffix(helo, "]")
	}
	return token(helo) == helo && strings.Contains(strings.Trim(helo, "."), ".")
}

// token keeps of a client's word what cannot end or fold a header field.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune("()<>;\\\"", r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if s == "" {
		return "unknown"
	}
	return s[:min(len(s), 255)]
}
