package smtpd

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Resolver asks the DNS, as net.Resolver does.
type Resolver interface {
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
}

// blocklistTime bounds the question to all blocklists; one that does not answer lists nobody.
const blocklistTime = 5 * time.Second

// listed returns the blocklist (RFC 5782) that has the client, empty when none has.
func (s *Server) listed(ctx context.Context, a netip.Addr) string {
	if len(s.Blocklists) == 0 || !a.IsValid() {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, blocklistTime)
	defer cancel()
	found := make(chan string, len(s.Blocklists))
	for _, zone := range s.Blocklists {
		go func() {
			ips, err := s.Resolver.LookupIPAddr(ctx, reversed(a)+"."+zone)
			for _, ip := range ips {
				// Answers outside of 127.0.0.0/8, and 127.255.255.0/24, speak of the question and not of the client.
				if four := ip.IP.To4(); err == nil && four != nil && four[0] == 127 && four[1] != 255 {
					found <- zone
					return
				}
			}
			found <- ""
		}()
	}
	listed := ""
	for range s.Blocklists {
		if zone := <-found; listed == "" {
			listed = zone
		}
	}
	return listed
}

// reversed is an address as blocklists name it: its bytes, or the digits of an IPv6 address, last first (RFC 5782 section 2).
func reversed(a netip.Addr) string {
	var parts []string
	if a = a.Unmap(); a.Is4() {
		for _, b := range a.As4() {
			parts = append([]string{strconv.Itoa(int(b))}, parts...)
		}
	} else {
		for _, b := range a.As16() {
			parts = append([]string{strconv.FormatUint(uint64(b&15), 16), strconv.FormatUint(uint64(b>>4), 16)}, parts...)
		}
	}
	return strings.Join(parts, ".")
}
