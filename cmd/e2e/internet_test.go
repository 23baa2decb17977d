//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"testing"

	"wesouthasians.org/sangam/smtpd/dns/dnstest"
	"wesouthasians.org/sangam/smtpd/sink"
)

// internet is a name server, and mail servers on loopback addresses that share one port.
type internet struct {
	t    *testing.T
	dns  *dnstest.Server
	keys map[string]string // the TXT records that were published
	port int
}

func newInternet(t *testing.T) *internet {
	t.Helper()
	dns, err := dnstest.Start(dnstest.Zone{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0") // keeps the port from others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &internet{t: t, dns: dns, keys: map[string]string{}, port: l.Addr().(*net.TCPAddr).Port}
}

// at is where the n-th host takes mail.
func (n *internet) at(host int) string {
	return net.JoinHostPort(fmt.Sprintf("127.0.2.%d", host), strconv.Itoa(n.port))
}

// route leads mail for a domain to a host.
func (n *internet) route(domain string, host int) {
	n.dns.Set("MX "+domain, "10 mx."+domain)
	n.dns.Set("A mx."+domain, fmt.Sprintf("127.0.2.%d", host))
}

// host takes mail for a domain.
func (n *internet) host(domain string, host int, o sink.Options) *sink.Sink {
	n.t.Helper()
	n.route(domain, host)
	o.Keep = true
	s, err := sink.StartAt(n.at(host), o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { s.Close() })
	return s
}

// config makes a site of this internet that delivers by MX records.
func (n *internet) config() string {
	return fmt.Sprintf("[dns]\nservers = [%q]\n[delivery]\nmode = \"direct\"\nport = %d\n", n.dns.Addr(), n.port)
}

// publish the records that a site wants to have published, but for those of its addresses.
func (n *internet) publish(s *site) {
	n.t.Helper()
	var records []struct{ Type, Name, Value string }
	if err := json.Unmarshal([]byte(s.sangam("dns", "--json")), &records); err != nil {
		n.t.Fatal(err)
	}
	for _, r := range records {
		if r.Type == "TXT" {
			n.keys[r.Name] = r.Value
			n.dns.Set("TXT "+r.Name, r.Value)
		}
	}
}

// queue has the last answer for each recipient that waits.
func (s *site) queue() map[string]string {
	s.t.Helper()
	var rows []struct {
		Recipient  string
		LastAnswer string `json:"last_answer"`
	}
	if err := json.Unmarshal([]byte(s.sangam("queue", "ls", "--json")), &rows); err != nil {
		s.t.Fatal(err)
	}
	answers := map[string]string{}
	for _, r := range rows {
		answers[r.Recipient] = r.LastAnswer
	}
	return answers
}
