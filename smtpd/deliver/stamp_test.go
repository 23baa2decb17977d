package deliver_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	verify "github.com/emersion/go-msgauth/dkim"

	"wesouthasians.org/sangam/smtpd/arc"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

func newKeys(t testing.TB) *dkim.Ring {
	t.Helper()
	r, err := dkim.Open(filepath.Join(t.TempDir(), "dkim"), "sangam")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lookup answers as the DNS of a domain that publishes the keys.
func lookup(r *dkim.Ring, domain string) func(string) ([]string, error) {
	return func(name string) ([]string, error) {
		for _, k := range r.Keys() {
			if name == k.Selector+"._domainkey."+domain {
				record, err := k.Record()
				return []string{record}, err
			}
		}
		return nil, context.Canceled
	}
}

func (w *world) signatures(r *dkim.Ring, domain string, raw []byte) (good int) {
	w.Helper()
	vs, err := verify.VerifyWithOptions(bytes.NewReader(raw), &verify.VerifyOptions{LookupTXT: lookup(r, domain)})
	w.must(err)
	for _, v := range vs {
		if v.Err == nil && v.Domain == domain {
			good++
		}
	}
	return good
}

// Every copy is signed twice over its own fields, and sealed on what was found out at arrival.
func TestCopiesAreSignedAndSealed(t *testing.T) {
	w := newWorld(t, 3, sink.Options{Keep: true})
	keys := newKeys(t)
	w.stamp = deliver.Stamp{Hostname: "lists.example.org", Domain: "lists.example.org", Keys: keys.Keys}
	w.run()
	w.postRaw("Authentication-Results: lists.example.org;\r\n\tspf=pass smtp.mailfrom=asha@example.net;\r\n\tarc=none\r\nFrom: asha@example.net\r\nSubject: x\r\n\r\n.hidden\r\nno end")
	w.eventually("the job is done", w.idle)
	for _, m := range w.sink.Messages() {
		if n := w.signatures(keys, "lists.example.org", m.Data); n != 2 {
			t.Errorf("%d good signatures:\n%s", n, m.Data)
		}
		for forged := range strings.SplitSeq("/u/ Sender: One-Click", " ") {
			changed := bytes.Replace(m.Data, []byte(forged), []byte(forged[:1]+"x"+forged[2:]), 1)
			if w.signatures(keys, "lists.example.org", changed) > 0 {
				t.Errorf("%s is not signed", forged)
			}
		}
		v, err := arc.Validate(m.Data, lookup(keys, "lists.example.org"), time.Now())
		if err != nil || v.Result != arc.Pass || !strings.Contains(v.Results[0], "spf=pass smtp.mailfrom=asha@example.net") {
			t.Errorf("chain: %+v %v\n%s", v, err, m.Data)
		}
	}
	if n := len(w.sink.Messages()); n != 3 {
		t.Errorf("%d copies", n)
	}
}

// Where the list adds no prefix and no footer the author's own signature stays valid.
func TestOwnSignatureOfTheAuthorHolds(t *testing.T) {
	w := newWorld(t, 1, sink.Options{Keep: true})
	keys := newKeys(t)
	w.stamp = deliver.Stamp{Hostname: "lists.example.org", Domain: "lists.example.org", Keys: keys.Keys}
	w.run()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	var signed bytes.Buffer
	raw := "From: asha@example.net\r\nTo: heplink@lists.example.org\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 10:00:00 +0530\r\n\r\ntext\r\n"
	w.must(verify.Sign(&signed, strings.NewReader(raw), &verify.SignOptions{Domain: "example.net", Selector: "a", Signer: private,
		HeaderKeys: []string{"From", "From", "To", "Subject", "Date"}}))
	w.postRaw(signed.String())
	w.eventually("the job is done", w.idle)
	vs, err := verify.VerifyWithOptions(bytes.NewReader(w.sink.Messages()[0].Data), &verify.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name == "a._domainkey.example.net" {
			return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}, nil
		}
		return lookup(keys, "lists.example.org")(name)
	}})
	w.must(err)
	for _, v := range vs {
		if v.Err != nil {
			t.Errorf("%s: %v", v.Domain, v.Err)
		}
	}
	if len(vs) != 3 {
		t.Errorf("%d signatures", len(vs))
	}
}

// From is rewritten where the author's domain asks receivers to be strict, and then the answer to the author still goes there.
func TestFromIsRewrittenByPolicy(t *testing.T) {
	for _, c := range []struct {
		setting string
		strict  bool
		replyTo string
		want    string
	}{
		{"auto", true, "", "heplink@lists.example.org"}, {"auto", false, "", "asha@example.net"}, {"never", true, "", "asha@example.net"}, {"always", false, "", "heplink@lists.example.org"},
		{"auto", true, "heplink@lists.example.org", "heplink@lists.example.org"}, {"auto", true, "asha@home.example", "heplink@lists.example.org"},
	} {
		w := newWorld(t, 1, sink.Options{Keep: true})
		_, err := w.store.UpdateList(w.list.ID, func(l *store.List) error { l.FromRewrite = c.setting; return nil })
		w.must(err)
		w.stamp.Protected = func(_ context.Context, domain string) bool { return c.strict && domain == "example.net" }
		w.run()
		raw := "From: Asha <asha@example.net>\r\nSubject: x\r\n"
		if c.replyTo != "" {
			raw += "Reply-To: " + c.replyTo + "\r\n"
		}
		w.postRaw(raw + "\r\ntext\r\n")
		w.eventually("the job is done", w.idle)
		text := string(w.sink.Messages()[0].Data)
		if !strings.Contains(text, "<"+c.want+">\r\n") {
			t.Errorf("%+v:\n%s", c, text)
		}
		if c.want != "asha@example.net" && c.replyTo != "asha@home.example" && !strings.Contains(text, "asha@example.net\r\n") {
			t.Errorf("%+v: no way to answer the author:\n%s", c, text)
		}
		if strings.Count(text, "\nReply-To:") > 1 || c.replyTo != "" && !strings.Contains(text, c.replyTo) {
			t.Errorf("%+v: Reply-To:\n%s", c, text)
		}
		stored, err := w.store.Raw(w.list.ID, 1)
		w.must(err)
		if !bytes.Contains(stored, []byte("From: Asha <asha@example.net>")) {
			t.Errorf("the archive does not keep the author:\n%s", stored)
		}
	}
}
