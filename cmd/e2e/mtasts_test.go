//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/dns/dnstest"
	"wesouthasians.org/sangam/smtpd/sink"
)

// TLS that domains ask for, by MTA-STS or in the configuration, is kept to: a server that cannot do it gets nothing, over restarts too.
func TestMailOnlyOverTLSWhereAsked(t *testing.T) {
	mx := trusted(t, "mx.good.example", "mta-sts.good.example", "mta-sts.bad.example")
	port := portOf(freePort(t))
	servers := map[string]*sink.Sink{}
	for ip, o := range map[string]sink.Options{
		"127.0.0.31": {TLS: mx}, // mx.good.example, with a valid certificate
		"127.0.0.32": {TLS: mx}, // mx.bad.example, with one of another name
		"127.0.0.33": {},        // mx.plain.example
		"127.0.0.34": {TLS: mx}, // mx.loose.example, likewise, but it asks for nothing
	} {
		s, err := sink.StartAt(ip+":"+port, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		servers[ip] = s
	}
	policies := policyServer(t, mx)
	zone := dnstest.Zone{"A mta-sts.good.example": {"127.0.0.35"}, "A mta-sts.bad.example": {"127.0.0.35"},
		"TXT _mta-sts.good.example": {"v=STSv1; id=1;"}, "TXT _mta-sts.bad.example": {"v=STSv1; id=1;"}}
	for i, name := range []string{"good", "bad", "plain", "loose"} {
		zone["MX "+name+".example"] = []string{"10 mx." + name + ".example"}
		zone["A mx."+name+".example"] = []string{fmt.Sprintf("127.0.0.3%d", i+1)}
	}
	dns, err := dnstest.Start(zone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	s := start(t, fmt.Sprintf("[dns]\nservers = [%q]\n[delivery]\nmode = \"direct\"\nport = %s\nrequire_tls = [\"plain.example\"]\n", dns.Addr(), port))
	s.sangam("list", "create", "heplink", "--owner", "asha@lists.example.org", "--set", "post=anyone")
	for _, name := range []string{"good", "bad", "plain", "loose"} {
		s.sangam("member", "add", "heplink", "a@"+name+".example", "--quiet")
	}
	s.run("", "swaks", "--server", s.smtp, "--from", "asha@lists.example.org", "--to", "heplink@lists.example.org", "--header", "Subject: Hello")
	s.until("copies to those who can", func() bool { return servers["127.0.0.31"].Total() == 1 && servers["127.0.0.34"].Total() == 1 })
	s.until("the others wait, and it is said why", func() bool {
		rows := s.sangam("queue", "ls")
		return strings.Contains(rows, "a@bad.example") && strings.Contains(rows, "certificate is valid for mx.good.example") &&
			strings.Contains(rows, "a@plain.example") && strings.Contains(rows, "it offers no STARTTLS, which this domain requires")
	})

	// Who takes the policy's server and the record away gains nothing by it.
	policies.Close()
	dns.Set("TXT _mta-sts.bad.example")
	s.stop()
	s.serve()
	s.sangam("queue", "retry")
	s.until("it was tried again", func() bool { return strings.Contains(s.sangam("queue", "ls", "--json"), `"attempts": 2`) })
	if n := servers["127.0.0.32"].Total() + servers["127.0.0.33"].Total(); n != 0 {
		t.Errorf("%d copies went without a valid certificate", n)
	}
}

// policyServer serves the same policy for every domain, at port 443 of 127.0.0.35.
func policyServer(t *testing.T, secure *tls.Config) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.35:443")
	if err != nil {
		t.Fatalf("127.0.0.35:443 must be free, and this user allowed to listen there: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "version: STSv1\nmode: enforce\nmx: mx.%s\nmax_age: 86400\n", strings.TrimPrefix(r.Host, "mta-sts."))
	})}
	go server.Serve(tls.NewListener(l, secure))
	return l
}

// trusted makes a certificate for names, whose authority the program trusts.
func trusted(t *testing.T, names ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
