package dkim_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	verify "github.com/emersion/go-msgauth/dkim"

	"wesouthasians.org/sangam/smtpd/dkim"
)

const message = "From: Asha Rao <asha@example.org>\r\nTo: heplink@lists.example.org\r\nSubject: =?utf-8?B?4KSc4KS+4KSB4KSa?=\r\n" +
	"Date: Tue, 24 Nov 2026 10:00:00 +0530\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"List-Id: HepLink <heplink.lists.example.org>\r\n\r\nHello \t all  \r\n\r\n\r\nBye\r\n\r\n"

const head = "Sender: heplink-bounces@lists.example.org\r\nList-Unsubscribe: <https://lists.example.org/u/1>,\r\n\t<mailto:heplink-leave+1@lists.example.org>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

func newRing(t testing.TB) *dkim.Ring {
	t.Helper()
	r, err := dkim.Open(filepath.Join(t.TempDir(), "dkim"), "sangam")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// records answers as the DNS does when the keys of a ring are published.
func records(t testing.TB, r *dkim.Ring, domain string) func(string) ([]string, error) {
	return func(name string) ([]string, error) {
		for _, p := range r.Pairs() {
			for _, k := range p.Keys {
				if name == k.Selector+"._domainkey."+domain {
					record, err := k.Record()
					return []string{record}, err
				}
			}
		}
		t.Errorf("asked for %s", name)
		return nil, errors.New("no such name")
	}
}

func sign(t testing.TB, r *dkim.Ring, raw, head string) []byte {
	t.Helper()
	fields, err := dkim.Prepare([]byte(raw), "lists.example.org", r.Keys()).Sign([]byte(head), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return append(append(fields, head...), raw...)
}

// valid counts the signatures that a verifier which is not ours finds good.
func valid(t testing.TB, r *dkim.Ring, raw []byte) (good int) {
	t.Helper()
	vs, err := verify.VerifyWithOptions(bytes.NewReader(raw), &verify.VerifyOptions{LookupTXT: records(t, r, "lists.example.org")})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if v.Err == nil {
			good++
		}
	}
	return good
}

func TestSignatures(t *testing.T) {
	r := newRing(t)
	for name, raw := range map[string]string{"post": message, "no body": "From: a@example.org\r\nSubject: x\r\n\r\n",
		"no line end": "From: a@example.org\r\n\r\nx", "empty lines": "From: a@example.org\r\n\r\n\r\n\r\n",
		"repeated fields": "Cc: a@x.org\r\nCc: b@x.org\r\nFrom: a@example.org\r\nsubject :  a\r\n  b \r\n\r\nx\r\n", "blanks": "From: a@example.org\r\n\r\n \r\n\t\r\nx \r\n \r\n"} {
		signed := sign(t, r, raw, head)
		if n := valid(t, r, signed); n != 2 {
			t.Errorf("%s: %d good signatures, want 2:\n%s", name, n, signed)
		}
		for line := range strings.SplitSeq(string(signed), "\r\n") {
			if len(line) > 78 && !strings.Contains(raw, line) && !strings.Contains(head, line) {
				t.Errorf("%s: long line %q", name, line)
			}
		}
	}
}

// What an attacker might change or add breaks both signatures.
func TestForgery(t *testing.T) {
	r := newRing(t)
	signed := string(sign(t, r, message, head))
	if strings.Contains(signed, "l=") {
		t.Error("a signature has l=")
	}
	for what, forged := range map[string]string{
		"second From":        strings.Replace(signed, "Subject:", "From: evil@example.org\r\nSubject:", 1),
		"second From on top": "From: evil@example.org\r\n" + signed,
		"second Subject":     "Subject: evil\r\n" + signed,
		"other link":         strings.Replace(signed, "/u/1", "/u/2", 1),
		"other list":         strings.Replace(signed, "<heplink.lists", "<evil.lists", 1),
		"longer body":        signed + "more\r\n",
		"other body":         strings.Replace(signed, "Hello", "Hell0", 1),
	} {
		if forged == signed {
			t.Fatalf("%s: nothing is changed", what)
		}
		if n := valid(t, r, []byte(forged)); n != 0 {
			t.Errorf("%s: %d signatures hold", what, n)
		}
	}
	if n := valid(t, r, []byte(strings.Replace(signed, "Hello \t all  ", "Hello all", 1))); n != 2 {
		t.Errorf("blanks are not relaxed: %d", n)
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	r, err := dkim.Open(dir, "sangam")
	if err != nil {
		t.Fatal(err)
	}
	names := func() string {
		var all []string
		for _, p := range r.Pairs() {
			name := p.Selector
			if p.Signing {
				name += "*"
			}
			all = append(all, name)
		}
		return strings.Join(all, " ")
	}
	step := func(what string, err error, want string) {
		t.Helper()
		if err != nil || names() != want {
			t.Fatalf("%s: %s, %v; want %s", what, names(), err, want)
		}
		again, err := dkim.Open(dir, "sangam")
		if err != nil {
			t.Fatal(err)
		}
		if r = again; names() != want {
			t.Fatalf("%s, read again: %s, want %s", what, names(), want)
		}
	}
	step("first", nil, "sangam*")
	old := sign(t, r, message, head)
	if _, err := r.Activate(); !errors.Is(err, dkim.ErrNoNew) {
		t.Errorf("activated what is not there: %v", err)
	}
	_, err = r.Rotate()
	step("rotate", err, "sangam* sangam2")
	if _, err := r.Rotate(); !errors.Is(err, dkim.ErrRotating) {
		t.Errorf("rotated twice: %v", err)
	}
	if gone, err := r.Retire(); err != nil || len(gone) > 0 {
		t.Errorf("retired the pair that signs: %v %v", gone, err)
	}
	_, err = r.Activate()
	step("activate", err, "sangam sangam2*")
	if valid(t, r, old) != 2 || valid(t, r, sign(t, r, message, head)) != 2 {
		t.Error("old and new signatures do not hold side by side")
	}
	gone, err := r.Retire()
	step("retire", err, "sangam2*")
	if len(gone) != 1 || gone[0].Selector != "sangam" {
		t.Errorf("retired %v", gone)
	}
	for _, f := range []string{"sangam2.rsa.pem", "sangam2.ed25519.pem"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sangam2.rsa.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dkim.Open(dir, "sangam"); err == nil || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("a broken key: %v", err)
	}
}

// BenchmarkSign is a copy of a post; body and common fields are hashed once for all.
func BenchmarkSign(b *testing.B) {
	r := newRing(b)
	m := dkim.Prepare([]byte(message), "lists.example.org", r.Keys())
	for b.Loop() {
		if _, err := m.Sign([]byte(head), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRSAAlone(b *testing.B) {
	r := newRing(b)
	m := dkim.Prepare([]byte("From: a@example.org\r\n\r\n"), "lists.example.org", r.Keys()[:1])
	for b.Loop() {
		if _, err := m.Sign(nil, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
