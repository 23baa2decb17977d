package mtasts

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
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
)

// names answers from a table; what is not in it does not exist.
type names struct {
	texts map[string]string
	down  bool
}

func (n *names) LookupTXT(_ context.Context, name string) ([]string, error) {
	if n.down {
		return nil, &net.DNSError{Err: "no answer", Name: name, IsTimeout: true}
	}
	if t := n.texts[name]; t != "" {
		return []string{t}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (n *names) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.IPv4(127, 0, 0, 1)}}, nil
}

// site serves the policy of example.org.
type site struct {
	*Cache
	dns    *names
	time   time.Time
	asked  atomic.Int32
	answer http.HandlerFunc
}

const policyText = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n"

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, text)
	}
}

func newSite(t *testing.T, host string) *site {
	t.Helper()
	s := &site{dns: &names{texts: map[string]string{"_mta-sts.example.org": "v=STSv1; id=1"}}, time: time.Now(), answer: says(policyText)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if r.Host != "mta-sts.example.org" || r.URL.Path != Path {
			t.Errorf("asked for %s at %s", r.URL.Path, r.Host)
		}
		s.answer(w, r)
	}))
	certificate, roots := certificateFor(t, host)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	f := Fetcher{Resolver: s.dns, Port: server.Listener.Addr().(*net.TCPAddr).Port, Roots: roots, Loopback: true}
	s.Cache = NewCache(f, filepath.Join(t.TempDir(), "mta-sts"), func() time.Time { return s.time }, slog.New(slog.DiscardHandler))
	return s
}

func certificateFor(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func (s *site) mode(t *testing.T) string { return s.Policy(t.Context(), "example.org").Mode }

func (s *site) want(t *testing.T, mode string, asked int) {
	t.Helper()
	if got := s.mode(t); got != mode || int(s.asked.Load()) != asked {
		t.Errorf("mode %s and %d fetches, want %s and %d", got, s.asked.Load(), mode, asked)
	}
}

func TestPolicyIsFetchedOnceAndAgainWhenItsIDChanges(t *testing.T) {
	s := newSite(t, "mta-sts.example.org")
	s.want(t, Enforce, 1)
	s.want(t, Enforce, 1)
	s.answer = says(strings.Replace(policyText, "enforce", "none", 1))
	s.dns.texts["_mta-sts.example.org"] = "v=STSv1; id=2"
	s.want(t, None, 2)
	if got := s.Policy(t.Context(), "elsewhere.example"); got.Mode != None {
		t.Errorf("a domain without a record has %v", got)
	}
}

func TestKnownPolicyOutlivesLostAnswers(t *testing.T) {
	s := newSite(t, "mta-sts.example.org")
	s.want(t, Enforce, 1)
	s.dns.down = true // who can suppress the record must not gain by it
	s.want(t, Enforce, 1)
	s.dns.down, s.dns.texts["_mta-sts.example.org"] = false, "v=STSv1; id=2"
	s.answer = http.NotFound
	s.want(t, Enforce, 2)
	s.want(t, Enforce, 2) // not asked again at once
	s.time = s.time.Add(retryAfter)
	s.want(t, Enforce, 3)

	again := NewCache(s.Fetcher, s.folder, s.now, s.log) // as after a restart
	if got := again.Policy(t.Context(), "example.org"); got.Mode != Enforce || !got.Allows("mx.example.org") {
		t.Errorf("after a restart %v", got)
	}
	s.time = s.time.Add(24 * time.Hour)
	s.want(t, None, 5)
	if files, _ := os.ReadDir(s.folder); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

func TestPolicyIsRenewedAtHalfOfItsLife(t *testing.T) {
	s := newSite(t, "mta-sts.example.org")
	s.want(t, Enforce, 1)
	s.time = s.time.Add(11 * time.Hour)
	s.want(t, Enforce, 1)
	s.time = s.time.Add(2 * time.Hour)
	s.want(t, Enforce, 2)
	s.time = s.time.Add(11 * time.Hour)
	s.want(t, Enforce, 2)
}

func TestWhatIsNoPolicy(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) },
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, policyText)
		},
		"too long":   says(policyText + strings.Repeat("x: y\n", maxPolicy/5)),
		"not found":  http.NotFound,
		"no content": says(""),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "mta-sts.example.org")
			s.answer = answer
			s.want(t, None, 1)
			s.want(t, None, 1)
		})
	}
	t.Run("a certificate of another name", func(t *testing.T) { newSite(t, "example.org").want(t, None, 0) })
	t.Run("an unknown authority", func(t *testing.T) {
		s := newSite(t, "mta-sts.example.org")
		s.Roots = x509.NewCertPool()
		s.want(t, None, 0)
	})
	t.Run("on this machine", func(t *testing.T) {
		s := newSite(t, "mta-sts.example.org")
		s.Loopback = false
		s.want(t, None, 0)
	})
	t.Run("not a name", func(t *testing.T) {
		s := newSite(t, "mta-sts.example.org")
		if got := s.Policy(t.Context(), "../../etc"); got.Mode != None {
			t.Error(got)
		}
	})
}
