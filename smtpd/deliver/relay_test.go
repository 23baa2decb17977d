package deliver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

// certificate for 127.0.0.1 and the roots that vouch for it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
}

func (w *world) waitsBecause(text string) {
	w.Helper()
	w.eventually("the job waits because "+text, func() bool {
		js, err := w.store.Jobs()
		w.must(err)
		return len(js) == 1 && strings.Contains(js[0].LastAnswer, text)
	})
}

func TestSTARTTLS(t *testing.T) {
	cert, roots := certificate(t)
	w := newWorld(t, 20, sink.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, User: "sangam", Password: "secret"})
	w.relay.URL, w.relay.TLS, w.relay.TLSConfig = "smtp://sangam:secret@"+w.sink.Addr(), "require", &tls.Config{RootCAs: roots}
	w.run()
	w.post("hello")
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 20 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

func TestSTARTTLSRequiredAndNotOffered(t *testing.T) {
	w := newWorld(t, 20, sink.Options{})
	w.relay.TLS = "require"
	w.run()
	w.post("hello")
	w.waitsBecause("no STARTTLS")
	if w.sink.Total() != 0 {
		t.Errorf("%d copies in the clear", w.sink.Total())
	}
}

func TestRelayGreetsWith421(t *testing.T) {
	w := newWorld(t, 20, sink.Options{Greeting: func() string { return "421 4.3.2 closed for today" }})
	w.run()
	w.post("hello")
	w.waitsBecause("closed for today")
	if ds, _ := w.store.Deferrals(0); len(ds) != 0 {
		t.Errorf("%d deferrals", len(ds))
	}
}

// A relay that takes two connections and no more is not down.
func TestRelayOfFewConnections(t *testing.T) {
	var greeted atomic.Int32
	w := newWorld(t, 400, sink.Options{Greeting: func() string {
		if greeted.Add(1) > 2 {
			return "421 4.7.0 too many connections"
		}
		return ""
	}})
	w.run()
	w.post("hello")
	w.eventually("the job is done", w.idle)
	if w.sink.Total() != 400 {
		t.Errorf("%d copies", w.sink.Total())
	}
}

func TestMessageRefused(t *testing.T) {
	w := newWorld(t, 40, sink.Options{AnswerData: func(to []string) string {
		switch to[0] {
		case "member00007@example.org":
			return "554 5.7.1 spam"
		case "member00008@example.org":
			return "452 4.2.2 full"
		}
		return ""
	}})
	w.run()
	w.post("hello")
	w.eventually("38 copies and a deferral", func() bool {
		ds, err := w.store.Deferrals(0)
		w.must(err)
		return w.sink.Total() == 38 && len(ds) == 1 && ds[0].Recipient == "member00008@example.org"
	})
	m, err := w.store.Member(w.list.ID, "member00007@example.org")
	w.must(err)
	if m.Failure.Answer != "554 5.7.1 spam" {
		t.Errorf("failure is %+v", m.Failure)
	}
}

func TestRelayURL(t *testing.T) {
	for _, u := range []string{"", "relay.example.org", "http://relay.example.org", "smtp://", "smtp://a/b"} {
		if _, err := deliver.NewRelay(deliver.RelayOptions{URL: u}); err == nil {
			t.Errorf("%q is taken", u)
		}
	}
}

func TestRewrittenFrom(t *testing.T) {
	w := newWorld(t, 1, sink.Options{Keep: true})
	_, err := w.store.UpdateList(w.list.ID, func(l *store.List) error { l.FromRewrite, l.Title = "always", "HepLink"; return nil })
	w.must(err)
	w.run()
	w.post("hello\r\n")
	w.eventually("the job is done", w.idle)
	text := string(w.sink.Messages()[0].Data)
	for _, want := range []string{"Asha via HepLink", "<heplink@lists.example.org>\r\n", "\r\nReply-To: asha@example.net\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("copy lacks %q:\n%s", want, text)
		}
	}
	if strings.Count("\r\n"+text, "\r\nFrom: ") != 1 {
		t.Errorf("copy has not one From:\n%s", text)
	}
}

func TestCapture(t *testing.T) {
	dir := t.TempDir()
	capture, err := deliver.NewCapture(filepath.Join(dir, "captured"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 50, sink.Options{})
	w.runOver(capture)
	for _, to := range []store.Address{"../../x@example.org", "..@example.org", store.Address(strings.Repeat("a", 300) + "@example.org")} {
		_, err := w.store.Enqueue(t.Context(), store.Job{To: []store.Address{to}}, []byte("Subject: x\r\n\r\n"))
		w.must(err)
	}
	w.post("hello\r\n.\r\n")
	w.eventually("the jobs are done", w.idle)
	files, err := filepath.Glob(filepath.Join(capture.Folder("member00007@example.org"), "new", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if upper := capture.Folder("Member00007@EXAMPLE.org"); upper != filepath.Dir(filepath.Dir(files[0])) {
		t.Errorf("the same recipient in capitals has %s", upper)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(text), "Return-Path: <heplink-bounces+") || !strings.HasSuffix(string(text), "\r\n\r\nhello\r\n.\r\n") {
		t.Errorf("captured %q, %v", text, err)
	}
	if there, _ := os.ReadDir(dir); len(there) != 1 {
		t.Errorf("files beside the capture folder: %v", there)
	}
	if all, _ := filepath.Glob(filepath.Join(dir, "captured", "*", "new", "*")); len(all) != 53 {
		t.Errorf("%d files", len(all))
	}
}
