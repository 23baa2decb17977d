package dns_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wesouthasians.org/sangam/smtpd/dns"
	"wesouthasians.org/sangam/smtpd/dns/dnstest"
)

func TestPublished(t *testing.T) {
	long := "v=DKIM1; p=" + strings.Repeat("a", 1500) // more than fits into UDP
	s, err := dnstest.Start(dnstest.Zone{
		"A localhost": {"192.0.2.7"}, "AAAA localhost": {"2001:db8::7"}, "PTR 1.0.0.127.in-addr.arpa": {"Lists.example.org."},
		"MX example.org": {"10 MX.example.org", "20 b.example.org"}, "TXT example.org": {"v=spf1 -all", long}, "CNAME www.example.org": {"example.org"},
		"TXT broken.example": {"SERVFAIL"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := dns.New([]string{s.Addr()})
	for _, c := range []struct {
		kind, name string
		want       []string
	}{
		{"A", "localhost", []string{"192.0.2.7"}}, // the hosts file of this machine says another
		{"AAAA", "localhost.", []string{"2001:db8::7"}},
		{"PTR", "127.0.0.1", []string{"lists.example.org"}},
		{"MX", "example.org", []string{"10 mx.example.org", "20 b.example.org"}},
		{"TXT", "example.org", []string{"v=spf1 -all", long}},
		{"CNAME", "www.example.org", []string{"example.org"}},
	} {
		got, err := r.Published(t.Context(), c.kind, c.name)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v %s", c.kind, c.name, err, diff)
		}
	}
	var none *net.DNSError
	if _, err := r.Published(t.Context(), "MX", "nowhere.example"); !errors.As(err, &none) || !none.IsNotFound {
		t.Errorf("a name that does not exist: %v", err)
	}
	if _, err := r.Published(t.Context(), "TXT", "broken.example"); !errors.As(err, &none) || none.IsNotFound || !strings.Contains(err.Error(), "SERVFAIL") {
		t.Errorf("a broken zone: %v", err)
	}
}
