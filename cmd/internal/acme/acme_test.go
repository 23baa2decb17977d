package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// words is a log that is read while it is written.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// An authority that refuses is told of, asked again, and keeps nobody from a handshake.
func TestNoCertificateIsNoEnd(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	ca := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		asked++
		mu.Unlock()
		http.Error(w, "out of order", http.StatusForbidden)
	}))
	defer ca.Close()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
	var log words
	c, err := New(Options{Folder: filepath.Join(t.TempDir(), "certificates"), Directory: ca.URL, Names: []string{"lists.example.org", "mta-sts.lists.example.org"},
		HTTPPort: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	until(t, "both failures are known", func() bool {
		s := c.States()
		return s[0].Failed != nil && s[1].Failed != nil
	})
	if s := c.States(); s[0].Name != "lists.example.org" || !s[0].Until.IsZero() || !strings.Contains(s[0].Failed.Error(), "403") {
		t.Errorf("%+v", s[0])
	}
	if text := log.String(); !strings.Contains(text, `level=WARN msg="no certificate was issued, it is tried again" name=lists.example.org`) {
		t.Errorf("the log says %s", text)
	}
	if cn := handshake(t, c, "lists.example.org"); cn != "lists.example.org" {
		t.Errorf("a certificate of %s", cn)
	}
	before := count()
	c.Retry()
	until(t, "the authority is asked again", func() bool { return count() > before })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if cn := handshake(t, c, ""); cn != "lists.example.org" {
		t.Errorf("after the end, a certificate of %s", cn)
	}
	if info, err := os.Stat(c.Folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has %v, %v", info.Mode(), err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// handshake returns whom the certificate names.
func handshake(t *testing.T, c *Certificates, name string) string {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go tls.Server(ours, &tls.Config{GetCertificate: c.Get}).Handshake()
	got := ""
	client := tls.Client(theirs, &tls.Config{ServerName: name, InsecureSkipVerify: true, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
		cert, err := x509.ParseCertificate(raw[0])
		if err == nil {
			got = cert.Subject.CommonName
		}
		return err
	}})
	if err := client.Handshake(); err != nil {
		t.Error(err)
	}
	theirs.Close()
	return got
}

// What is no challenge of ours is a page like others.
func TestChallengeLeavesPagesAlone(t *testing.T) {
	c, err := New(Options{Folder: t.TempDir(), Names: []string{"lists.example.org"}, HTTPPort: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.set(c.start())
	defer c.current().cache.Stop()
	h := c.Challenge(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }))
	for _, path := range []string{"/", "/.well-known/acme-challenge/unknown"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://lists.example.org"+path, nil))
		if w.Body.String() != "page" {
			t.Errorf("%s: %q", path, w.Body)
		}
	}
}
