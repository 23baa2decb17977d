//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/dns/dnstest"
)

// authority is Debian's pebble, an ACME server for tests.
type authority struct {
	listen, manage string
	roots          *x509.CertPool // of its own server
	rootPEM        []byte         // of what it signs with
	cmd            *exec.Cmd
	log            bytes.Buffer
}

// newAuthority makes what pebble needs below a folder; start starts it.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{listen: freePort(t), manage: freePort(t), roots: x509.NewCertPool()}
	dir := t.TempDir()
	cert, key := selfSigned(t)
	a.roots.AppendCertsFromPEM(cert)
	for name, text := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSL_CERT_FILE", dir+"/cert.pem") // how a private authority is trusted
	a.cmd = exec.Command("pebble", "-config", dir+"/pebble.json")
	a.cmd.Dir, a.cmd.Stdout, a.cmd.Stderr = dir, &a.log, &a.log
	a.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
	return a
}

// start lets it prove names at two ports of this machine, whose addresses a name server tells.
func (a *authority) start(t *testing.T, dns, httpPort, tlsPort string) {
	t.Helper()
	config := fmt.Sprintf(`{"pebble": {"listenAddress": %q, "managementListenAddress": %q, "certificate": "cert.pem", "privateKey": "key.pem",
		"httpPort": %s, "tlsPort": %s}}`, a.listen, a.manage, portOf(httpPort), portOf(tlsPort))
	if err := os.WriteFile(a.cmd.Dir+"/pebble.json", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a.cmd.Args = append(a.cmd.Args, "-dnsserver", dns)
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.stop()
		if t.Failed() {
			t.Logf("pebble said:\n%s", a.log.String())
		}
	})
	a.root(t)
}

func (a *authority) stop() {
	if a.cmd.ProcessState == nil {
		a.cmd.Process.Kill()
		a.cmd.Wait()
	}
}

// root is what signs the certificates that it issues.
func (a *authority) root(t *testing.T) *x509.CertPool {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.roots}, DisableKeepAlives: true}}
	var resp *http.Response
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if resp, err = client.Get("https://" + a.manage + "/roots/0"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("pebble does not answer: %v\n%s", err, a.log.String())
		}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no root: %s", text)
	}
	a.rootPEM = text
	return pool
}

// trust adds what it signs with to what the program trusts.
func (a *authority) trust(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(os.Getenv("SSL_CERT_FILE"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(a.rootPEM)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// examine runs the doctor and asserts that some of its checks find all well.
func (s *site) examine(checks ...string) {
	s.t.Helper()
	cmd := exec.Command(binary, "doctor", "--json")
	cmd.Dir = s.dir
	out, _ := cmd.Output() // status 1: not everything is published here
	var rows []struct {
		Check, Name, Detail, Advice string
		OK                          bool
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	well := map[string]bool{}
	for _, r := range rows {
		well[r.Check+":"+r.Name] = r.OK
	}
	for _, c := range checks {
		if !well[c] {
			s.t.Errorf("%s is not well:\n%s", c, out)
		}
	}
}

func portOf(at string) string { return at[strings.LastIndexByte(at, ':')+1:] }

func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// A server fetches its certificates by either challenge, takes mail while it has none, and keeps them over a restart.
func TestCertificatesFromAnAuthority(t *testing.T) {
	for _, challenge := range []string{"HTTP-01", "TLS-ALPN-01"} {
		t.Run(challenge, func(t *testing.T) {
			dns, err := dnstest.Start(dnstest.Zone{"A lists.example.org": {"127.0.0.1"}, "A mta-sts.lists.example.org": {"127.0.0.1"},
				"MX lists.example.org": {"10 lists.example.org"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(dns.Close)
			a := newAuthority(t)
			imaps, https, metrics := freePort(t), freePort(t), freePort(t)
			t.Setenv("SANGAM_IMAP_TLS_LISTEN", imaps)
			t.Setenv("SANGAM_WEB_TLS_LISTEN", https)
			t.Setenv("SANGAM_WEB_URL", "https://lists.example.org")
			s := start(t, fmt.Sprintf("[tls]\nmode = \"acme\"\nacme_email = \"asha@example.org\"\nacme_directory = \"https://%s/dir\"\n[metrics]\nlisten = %q\n",
				a.listen, metrics))
			s.until("the failure is told", func() bool {
				return strings.Contains(text(t, "http://"+metrics+"/readyz"), "no certificate was issued for lists.example.org")
			})
			c := s.startTLS(nil)
			if cn := peer(t, c).Issuer.CommonName; cn != "lists.example.org" {
				t.Errorf("without a certificate, one of %s is shown", cn)
			}
			if err := c.Mail("asha@example.org"); err != nil {
				t.Errorf("without a certificate, mail is refused: %v", err)
			}
			c.Quit()

			dead := freePort(t)
			if challenge == "HTTP-01" {
				a.start(t, dns.Addr(), s.web, dead)
			} else {
				a.start(t, dns.Addr(), dead, https)
			}
			s.server.Process.Signal(syscall.SIGHUP)
			s.until("certificates of all names", func() bool { return text(t, "http://"+metrics+"/readyz") == "ready\n" })
			roots := a.root(t)
			a.trust(t)
			t.Setenv("SANGAM_DELIVERY_MODE", "direct") // doctor finds the mail server at this port
			t.Setenv("SANGAM_DELIVERY_PORT", portOf(s.smtp))
			t.Setenv("SANGAM_DNS_SERVERS", dns.Addr())
			for range 2 {
				s.startTLS(roots).Quit()
				for name, at := range map[string]string{"imaps": imaps, "https": https} {
					conn, err := tls.Dial("tcp", at, &tls.Config{RootCAs: roots, ServerName: "lists.example.org"})
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					conn.Close()
				}
				if _, err := tls.Dial("tcp", https, &tls.Config{RootCAs: roots, ServerName: "lists.example.org", MaxVersion: tls.VersionTLS11}); err == nil {
					t.Error("TLS 1.1 is spoken")
				}
				policy := policyAt(t, https, roots)
				if !strings.Contains(policy, "mode: enforce\r\nmx: lists.example.org\r\n") {
					t.Errorf("policy %q", policy)
				}
				a.stop() // what was issued is in the data folder
				s.stop()
				s.serve()
				s.until("the certificates are read", func() bool { return text(t, "http://"+metrics+"/readyz") == "ready\n" })
			}
			s.examine("port:lists.example.org "+s.smtp, "certificate:lists.example.org SMTP", "certificate:mta-sts.lists.example.org", "serve:"+s.dir+"/config.toml")
		})
	}
}

// text of a page; empty when there is no answer.
func text(t *testing.T, url string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// startTLS speaks SMTP over TLS; without roots any certificate will do.
func (s *site) startTLS(roots *x509.CertPool) *smtp.Client {
	s.t.Helper()
	c, err := smtp.Dial(s.smtp)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.StartTLS(&tls.Config{ServerName: "lists.example.org", RootCAs: roots, InsecureSkipVerify: roots == nil}); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func peer(t *testing.T, c *smtp.Client) *x509.Certificate {
	t.Helper()
	state, ok := c.TLSConnectionState()
	if !ok {
		t.Fatal("no TLS")
	}
	return state.PeerCertificates[0]
}

func policyAt(t *testing.T, https string, roots *x509.CertPool) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "mta-sts.lists.example.org"}, DisableKeepAlives: true}
	r, err := http.NewRequest(http.MethodGet, "https://"+https+"/.well-known/mta-sts.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "mta-sts.lists.example.org"
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v, type %s", err, resp.Header.Get("Content-Type"))
	}
	return string(b)
}
