package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/zone"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns/dnstest"
	"wesouthasians.org/sangam/smtpd/mtasts"
	"wesouthasians.org/sangam/smtpd/sink"
)

// patient is a site that is well, on an internet of its own.
type patient struct {
	*testing.T
	dns    *dnstest.Server
	mail   *sink.Sink
	answer atomic.Value // of the mail server to a recipient; "" takes it
	o      Options
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{T: t}
	p.answer.Store("")
	dir := t.TempDir()
	certificate, roots := certify(t, dir, "lists.example.org", "mta-sts.lists.example.org")
	secure := &tls.Config{Certificates: []tls.Certificate{certificate}}
	p.mail = start(t, "127.0.0.1:0", sink.Options{TLS: secure, Answer: func(string) string { return p.answer.Load().(string) }})
	port := p.mail.Addr()[strings.LastIndexByte(p.mail.Addr(), ':'):]
	start(t, "127.0.0.2"+port, sink.Options{})
	pages := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == mtasts.Path {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, mtasts.Ours("lists.example.org").String())
		}
	}))
	pages.TLS, pages.Config.ErrorLog = secure, slog.NewLogLogger(slog.DiscardHandler, 0)
	pages.StartTLS()
	t.Cleanup(pages.Close)
	web := pages.Listener.Addr().(*net.TCPAddr)
	var err error
	p.dns, err = dnstest.Start(dnstest.Zone{"A lists.example.org": {"127.0.0.1"}, "PTR 1.0.0.127.in-addr.arpa": {"lists.example.org"},
		"A mta-sts.lists.example.org": {"127.0.0.1"}, "MX example.org": {"10 mx.example.org"}, "A mx.example.org": {"127.0.0.2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.dns.Close)
	p.o = Options{Serving: true, Roots: roots, HTTPSPort: web.Port, Config: configure(t, dir, fmt.Sprintf(`admins = ["asha@example.org"]
[smtp]
listen = [%q]
[imap]
listen = []
[web]
listen = []
tls_listen = [%q]
url = "https://lists.example.org:%d"
[tls]
mode = "files"
cert = "cert.pem"
key = "key.pem"
[delivery]
mode = "direct"
port = %s
[dns]
servers = [%q]
`, p.mail.Addr(), web, web.Port, port[1:], p.dns.Addr()))}
	if p.o.Keys, err = dkim.Open(p.o.Config.Keys(), "sangam"); err != nil {
		t.Fatal(err)
	}
	records, err := zone.Records(p.o.Config, p.o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		p.dns.Set(r.Type+" "+r.Name, r.Value)
	}
	return p
}

func start(t *testing.T, at string, o sink.Options) *sink.Sink {
	t.Helper()
	s, err := sink.StartAt(at, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func configure(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	return c
}

func certify(t *testing.T, dir string, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 60), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		text := pem.EncodeToMemory(block)
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
		roots.AppendCertsFromPEM(text)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func (p *patient) findings() []Finding {
	p.Helper()
	fs, err := Run(p.Context(), p.o)
	if err != nil {
		p.Fatal(err)
	}
	return fs
}

// wants asserts that the only checks that fail are these, one advice each.
func (p *patient) wants(checks string, advice ...string) {
	p.Helper()
	var failed []string
	all := ""
	for _, f := range p.findings() {
		if !f.OK {
			failed = append(failed, f.Check)
			all += f.Detail + ". " + f.Advice + "\n"
			if f.Advice == "" {
				p.Errorf("%s says not what to do", f.Check)
			}
		}
	}
	if got := strings.Join(failed, " "); got != checks {
		p.Errorf("%q fail, want %q:\n%s", got, checks, all)
	}
	for _, a := range advice {
		if !strings.Contains(all, a) {
			p.Errorf("it is not said: %s\n%s", a, all)
		}
	}
}

func TestAllIsWell(t *testing.T) {
	p := newPatient(t)
	p.wants("")
	seen := map[string]bool{}
	for _, f := range p.findings() {
		seen[f.Check] = true
	}
	for _, check := range strings.Fields("address disk clock serve PTR MX SPF DKIM DMARC MTA-STS TLSRPT port certificate pages sending") {
		if !seen[check] {
			t.Errorf("%s was not checked", check)
		}
	}
	if n := p.mail.Total(); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestRecordsThatAreWrong(t *testing.T) {
	p := newPatient(t)
	for _, c := range []struct{ key, value, checks, advice string }{
		{"PTR 1.0.0.127.in-addr.arpa", "host-1.provider.example", "PTR", "set its reverse record to lists.example.org"},
		{"PTR 1.0.0.127.in-addr.arpa", "", "PTR", "not published"},
		{"MX lists.example.org", "10 mx.example.org", "MX SPF MTA-STS certificate", "MX lists.example.org 10 lists.example.org"},
		{"TXT lists.example.org", "v=spf1 a:elsewhere.example -all", "SPF", "ip4:127.0.0.1"},
		{"TXT lists.example.org", "", "SPF", "TXT lists.example.org v=spf1 mx -all"},
		{"TXT sangam._domainkey.lists.example.org", "v=DKIM1; k=rsa; p=AAAA", "DKIM", "another key"},
		{"TXT sangam-ed25519._domainkey.lists.example.org", "", "DKIM", "`sangam dns`"},
		{"TXT _dmarc.lists.example.org", "", "DMARC", "TXT _dmarc.lists.example.org v=DMARC1; p=quarantine"},
		{"TXT _mta-sts.lists.example.org", "v=STSv1; id=old;", "MTA-STS", mtasts.Ours("lists.example.org").Record()},
		{"TXT _mta-sts.lists.example.org", "", "MTA-STS", "not published"},
		{"A mta-sts.lists.example.org", "", "MTA-STS", "CNAME mta-sts.lists.example.org lists.example.org"},
		{"MX example.org", "SERVFAIL", "sending", "open outgoing port 25"},
		{"TXT _dmarc.lists.example.org", "SERVFAIL", "DMARC", "Check the network"},
	} {
		t.Run(c.key+" "+c.value, func(t *testing.T) {
			was := p.dns.Get(c.key)
			defer p.dns.Set(c.key, was...)
			var values []string
			if c.value != "" {
				values = []string{c.value}
			}
			p.dns.Set(c.key, values...)
			(&patient{T: t, o: p.o}).wants(c.checks, c.advice)
		})
	}
}

func TestServersThatAreWrong(t *testing.T) {
	p := newPatient(t)
	well := p.o
	t.Run("nothing runs", func(t *testing.T) {
		p := &patient{T: t, o: well}
		p.o.Serving = false
		p.wants("serve", "Start `sangam serve`")
	})
	t.Run("unknown authority", func(t *testing.T) {
		p := &patient{T: t, o: well}
		p.o.Roots = x509.NewCertPool()
		p.wants("MTA-STS certificate pages certificate certificate", "valid certificate for lists.example.org where tls.cert")
	})
	t.Run("no certificate from the authority", func(t *testing.T) {
		p, c := &patient{T: t, o: well}, *well.Config
		c.TLS = config.TLS{Mode: "acme"}
		p.o.Config, p.o.Certificates = &c, []app.CertificateState{{Name: "lists.example.org", Trouble: "no certificate was issued"},
			{Name: "mta-sts.lists.example.org", Until: time.Now().AddDate(0, 0, 60)}}
		p.wants("certificate", "let port 80 or 443 there lead to")
	})
	t.Run("a shifted clock", func(t *testing.T) {
		p := &patient{T: t, o: well}
		p.o.ClockOffset = time.Hour
		p.wants("clock", "SANGAM_CLOCK_OFFSET")
	})
	p.answer.Store("554 5.7.1 relay access denied")
	p.wants("port", "postmaster@lists.example.org is refused", "take mail for lists.example.org")
	p.answer.Store("451 4.7.1 greylisted")
	p.wants("")
	p.mail.Close()
	p.wants("port port", "Open port", "Restart `sangam serve`")
}

func TestRelay(t *testing.T) {
	p := newPatient(t)
	relay := start(t, "127.0.0.1:0", sink.Options{User: "asha", Password: "secret"})
	c := *p.o.Config
	p.o.Config = &c
	c.Delivery.Mode, c.Delivery.Relay, c.Delivery.RelayTLS, c.Delivery.Port = "relay", "smtp://asha:wrong@"+relay.Addr(), "opportunistic", 25
	find := func() Finding {
		for _, f := range p.findings() {
			if f.Check == "relay" {
				return f
			}
		}
		t.Fatal("the relay was not checked")
		return Finding{}
	}
	if f := find(); f.OK || !strings.Contains(f.Detail, "535") || strings.Contains(fmt.Sprint(f), "wrong@") {
		t.Errorf("a wrong password: %+v", f)
	}
	c.Delivery.Relay = "smtp://asha:secret@" + relay.Addr()
	if f := find(); !f.OK || f.Name != relay.Addr() {
		t.Errorf("the right password: %+v", f)
	}
}
