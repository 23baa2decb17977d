//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/sink"
)

// verdict of other people's programs about a message.
type verdict struct {
	DKIM []struct {
		OK                     bool
		Domain, Algorithm, Why string
		Signed                 []string
	}
	ARC, Reason, Authheaders string
	Sealers                  []string
}

// python is that of the system, whose packages come from the distribution.
const python = "/usr/bin/python3"

// verify asks dkimpy and authheaders, with the records that were published.
func (n *internet) verify(s *site, raw []byte) (v verdict) {
	n.t.Helper()
	keys, err := json.Marshal(n.keys)
	if err != nil {
		n.t.Fatal(err)
	}
	out := s.run(string(raw), python, root+"/cmd/e2e/testdata/verify.py", string(keys))
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		n.t.Fatalf("%v in %s", err, out)
	}
	return v
}

// keyFile has the published keys in the form of opendkim.
func (n *internet) keyFile(s *site) string {
	keys := ""
	for name, value := range n.keys {
		if strings.Contains(name, "_domainkey") && !strings.Contains(value, "k=ed25519") { // which it does not know
			keys += name + " " + value + "\n"
		}
	}
	return s.write("keys.txt", keys)
}

// opendkim tests a message with the published keys, and returns what it says.
func (n *internet) opendkim(s *site, raw []byte) string {
	n.t.Helper()
	message := s.write("message.eml", string(raw))
	file := s.write("opendkim.conf", "Mode v\nTestPublicKeys "+n.keyFile(s)+"\n")
	return s.run("", "sh", "-c", fmt.Sprintf("/usr/sbin/opendkim -vv -t %s -x %s 2>&1", message, file))
}

// Copies have two signatures that other programs verify, over all that matters.
func TestSignaturesVerify(t *testing.T) {
	n := newInternet(t)
	out := n.host("member.example", 1, sink.Options{})
	s := start(t, n.config())
	n.publish(s)
	s.sangam("list", "create", "heplink", "--title", "HepLink", "--owner", "asha@member.example")
	s.sangam("member", "add", "heplink", "ravi@member.example", "--quiet")
	mail := s.write("post.eml", "From: Asha Rao <asha@member.example>\r\nTo: heplink@lists.example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"+
		"Message-ID: <1@member.example>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Transfer-Encoding: 8bit\r\n\r\nनमस्ते  \r\n.dot\r\n\r\n\r\n")
	s.run("", "swaks", "--server", s.smtp, "--from", "asha@member.example", "--to", "heplink@lists.example.org", "--data", "@"+mail)
	if !out.Wait(2, 30*time.Second) {
		t.Fatal("no copies")
	}
	for _, m := range out.Messages() {
		v := n.verify(s, m.Data)
		var algorithms []string
		for _, d := range v.DKIM {
			if !d.OK || d.Domain != "lists.example.org" {
				t.Errorf("%+v in\n%s", d, m.Data)
			}
			algorithms = append(algorithms, d.Algorithm)
			for _, name := range []string{"from", "subject", "date", "list-id", "list-unsubscribe", "list-unsubscribe-post", "list-post", "archived-at"} {
				if !slices.Contains(d.Signed, name) {
					t.Errorf("%s does not cover %s", d.Algorithm, name)
				}
			}
			if strings.Count(strings.Join(d.Signed, ":")+":", "from:") != 2 {
				t.Errorf("From is not oversigned: %v", d.Signed)
			}
		}
		slices.Sort(algorithms)
		if !slices.Equal(algorithms, []string{"ed25519-sha256", "rsa-sha256"}) {
			t.Errorf("algorithms are %v", algorithms)
		}
		if v.ARC != "pass" || !slices.Equal(v.Sealers, []string{"lists.example.org"}) {
			t.Errorf("ARC %s by %v: %s in\n%s", v.ARC, v.Sealers, v.Reason, m.Data)
		}
		if !strings.Contains(v.Authheaders, "dkim=pass") || !strings.Contains(v.Authheaders, "arc=pass") {
			t.Errorf("authheaders says %s", v.Authheaders)
		}
		if told := n.opendkim(s, m.Data); !strings.Contains(told, "verification (s=sangam, d=lists.example.org, 2048-bit key") || !strings.Contains(told, "succeeded") {
			t.Errorf("opendkim says %s", told)
		}
	}
}

// A post that goes over three lists arrives with a chain of three seals that hold.
func TestChainOfThreeLists(t *testing.T) {
	n := newInternet(t)
	out := n.host("member.example", 9, sink.Options{})
	domains := []string{"lists.one.example", "lists.two.example", "lists.three.example"}
	var sites []*site
	for i, domain := range domains {
		n.route(domain, i+1)
		s := startAt(t, domain, n.at(i+1), n.config())
		n.publish(s)
		sites = append(sites, s)
		s.sangam("list", "create", "heplink")
		s.sangam("list", "set", "heplink", "post=anyone", "subject_prefix=["+strings.Split(domain, ".")[1]+"] ")
	}
	sites[0].sangam("member", "add", "heplink", "heplink@"+domains[1], "--quiet")
	sites[1].sangam("member", "add", "heplink", "heplink@"+domains[2], "--quiet")
	sites[2].sangam("member", "add", "heplink", "ravi@member.example", "--quiet")
	sites[0].run("", "swaks", "--server", sites[0].smtp, "--from", "asha@author.example", "--to", "heplink@"+domains[0], "--header", "Subject: Far away", "--body", "Hello.")
	if !out.Wait(1, 30*time.Second) {
		for _, s := range sites {
			log, _ := os.ReadFile(s.log.Name())
			t.Logf("%s", log)
		}
		t.Fatal("it did not arrive")
	}
	raw := out.Messages()[0].Data
	v := n.verify(sites[2], raw)
	if v.ARC != "pass" || !slices.Equal(v.Sealers, domains) {
		t.Errorf("ARC %s by %v: %s\n%s", v.ARC, v.Sealers, v.Reason, raw)
	}
	if !strings.Contains(v.Authheaders, "arc=pass") {
		t.Errorf("authheaders says %s", v.Authheaders)
	}
	for i, seal := range []string{"cv=none", "cv=pass", "cv=pass"} {
		if !strings.Contains(string(raw), fmt.Sprintf("i=%d; a=rsa-sha256; ", i+1)) || !strings.Contains(string(raw), seal) {
			t.Errorf("no seal %d with %s in\n%s", i+1, seal, raw)
		}
	}
	for _, d := range v.DKIM[:2] {
		if !d.OK || d.Domain != domains[2] {
			t.Errorf("signature of the last list: %+v", d)
		}
	}
}
