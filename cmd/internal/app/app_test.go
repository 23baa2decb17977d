package app

import (
	"bufio"
	"context"
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
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// begin runs a server with one list until the test ends or stop is called.
func begin(t *testing.T, more string) (a *App, stop func()) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	text := `
[smtp]
listen = ["127.0.0.1:0"]
[imap]
listen = ["127.0.0.1:0"]
[web]
listen = ["127.0.0.1:0"]
[metrics]
listen = "127.0.0.1:0"
` + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := bolt.Open(filepath.Join(dir, "sangam.db"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.NewMember(l.ID, "asha@example.org", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := st.AddMember(m); err != nil {
		t.Fatal(err)
	}
	if a, err = New(Options{Config: c, Store: st, Log: slog.DiscardHandler}); err != nil {
		t.Fatal(err)
	}
	if err := a.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return a, stop
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func dial(t *testing.T, at string) *textproto.Conn {
	t.Helper()
	c, err := textproto.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	expect(t, c, 220)
	return c
}

func expect(t *testing.T, c *textproto.Conn, code int) {
	t.Helper()
	if _, _, err := c.ReadResponse(code); err != nil {
		t.Fatal(err)
	}
}

func say(t *testing.T, c *textproto.Conn, line string, code int) {
	t.Helper()
	if err := c.PrintfLine("%s", line); err != nil {
		t.Fatal(err)
	}
	expect(t, c, code)
}

func TestHealthReadinessAndMetrics(t *testing.T) {
	a, _ := begin(t, "")
	base := "http://" + a.Addr("metrics")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if status, body := get(t, base+"/readyz"); status == 200 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("not ready: %s", body)
		}
	}
	if status, _ := get(t, base+"/healthz"); status != 200 {
		t.Errorf("health is %d", status)
	}
	c := dial(t, a.Addr("smtp"))
	say(t, c, "EHLO client.example.org", 250)
	say(t, c, "MAIL FROM:<asha@example.org>", 250)
	say(t, c, "RCPT TO:<heplink@lists.example.org>", 250)
	say(t, c, "DATA", 354)
	say(t, c, "From: asha@example.org\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n.", 250)
	_, metrics := get(t, base+"/metrics")
	for _, want := range []string{`sangam_fates_total{fate="accepted"} 1`, "sangam_held_posts 0", "sangam_queue_oldest_seconds 0", "sangam_store_bytes"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestDrainEndsIdleSessionsAndFinishesTransactions(t *testing.T) {
	a, stop := begin(t, "")
	idle, busy := dial(t, a.Addr("smtp")), dial(t, a.Addr("smtp"))
	say(t, idle, "EHLO idle.example.org", 250)
	say(t, busy, "EHLO busy.example.org", 250)
	say(t, busy, "MAIL FROM:<asha@example.org>", 250)
	say(t, busy, "RCPT TO:<heplink@lists.example.org>", 250)
	say(t, busy, "DATA", 354)
	at := a.Addr("smtp")
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	expect(t, idle, 421)
	if conn, err := net.Dial("tcp", at); err == nil {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.HasPrefix(line, "220") {
			t.Error("a new session was greeted while draining")
		}
		conn.Close()
	}
	say(t, busy, "From: asha@example.org\r\nSubject: Last\r\nMessage-ID: <2@example.org>\r\n\r\nLast.\r\n.", 250)
	busy.Close()
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("draining takes too long")
	}
}

// writeCertificate makes a certificate for a name.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	if _, err := newCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a missing certificate must be an error")
	}
	writeCertificate(t, dir, "one.example.org")
	c, err := newCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	name := func() string {
		t.Helper()
		got, err := c.Get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.Subject.CommonName
	}
	if got := name(); got != "one.example.org" {
		t.Errorf("first %s", got)
	}
	writeCertificate(t, dir, "two.example.org")
	for _, file := range []string{"cert.pem", "key.pem"} {
		if err := os.Chtimes(filepath.Join(dir, file), now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if got := name(); got != "one.example.org" {
		t.Errorf("the files were looked at too often: %s", got)
	}
	now = now.Add(checkEvery)
	if got := name(); got != "two.example.org" {
		t.Errorf("then %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(checkEvery)
	if got := name(); got != "two.example.org" {
		t.Errorf("a broken file took the place of a good one: %s", got)
	}
}

func TestStartTLSIsOfferedWithACertificate(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "lists.example.org")
	a, _ := begin(t, fmt.Sprintf("[tls]\nmode = \"files\"\ncert = %q\nkey = %q\n", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	c := dial(t, a.Addr("smtp"))
	if err := c.PrintfLine("EHLO client.example.org"); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.ReadResponse(250); err != nil || !strings.Contains(text, "STARTTLS") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestUnixSocketOfADeadServerIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmtp")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a live socket was taken: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLMTPOverAUnixSocketAnswersForEachRecipient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmtp")
	t.Setenv("SANGAM_SMTP_LMTP_LISTEN", "unix:"+path)
	a, _ := begin(t, "")
	if got := a.Addr("lmtp"); got != path {
		t.Fatalf("LMTP is at %q", got)
	}
	c, err := textproto.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expect(t, c, 220)
	say(t, c, "LHLO postfix.example.org", 250)
	say(t, c, "MAIL FROM:<asha@example.org>", 250)
	say(t, c, "RCPT TO:<heplink@lists.example.org>", 250)
	say(t, c, "RCPT TO:<nolist@lists.example.org>", 550)
	say(t, c, "RCPT TO:<heplink-owner@lists.example.org>", 250)
	say(t, c, "DATA", 354)
	say(t, c, "From: asha@example.org\r\nSubject: Hello\r\nMessage-ID: <3@example.org>\r\n\r\nHello.\r\n.", 250)
	expect(t, c, 250)
}

func TestDrainSaysByeToIdlingMailClients(t *testing.T) {
	a, stop := begin(t, "")
	if err := a.Store.SetPassword("asha@example.org", store.HashPassword("secret"), time.Now()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", a.Addr("imap"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	until := func(prefix string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("waiting for %q: %v", prefix, err)
			}
			if strings.HasPrefix(line, prefix) {
				return
			}
		}
	}
	fmt.Fprint(conn, "a LOGIN asha@example.org secret\r\n")
	until("a OK")
	fmt.Fprint(conn, "b SELECT heplink\r\n")
	until("b OK")
	fmt.Fprint(conn, "c IDLE\r\n")
	until("+ ")
	go stop()
	until("* BYE")
}
