//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/sink"
)

// postfix is an instance of its own, with ports of its own.
type postfix struct {
	t                 *testing.T
	dir               string
	submission, relay string // where mail comes in: of authors, and of lists
}

// mainCF of a host that hands mail for lists to us and all else to a sink.
const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
maillog_file = %[1]s/maillog
maillog_file_prefixes = %[1]s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.author.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relay_domains = lists.example.org
transport_maps = inline:{ lists.example.org=smtp:[127.0.0.1]:%[2]s, member.example=smtp:[127.0.0.1]:%[3]s, author.example=smtp:[127.0.0.1]:%[3]s }
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_tls_security_level = none
alias_maps =
milter_default_action = tempfail
`

const masterCF = `%s inet n - n - - smtpd -o smtpd_milters=inet:%s
%s inet n - n - - smtpd -o smtpd_milters=inet:%s
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix needs root, as postfix does.
func startPostfix(t *testing.T, in, out, signer, verifier string) *postfix {
	t.Helper()
	dir, err := os.MkdirTemp("", "sangam-postfix-") // that of the test is not open to the user postfix
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &postfix{t: t, dir: dir, submission: freePort(t), relay: freePort(t)}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"spool", "data", "etc"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.command("chown", "postfix", filepath.Join(dir, "data"))
	_, inPort, _ := net.SplitHostPort(in)
	_, outPort, _ := net.SplitHostPort(out)
	for name, text := range map[string]string{"main.cf": fmt.Sprintf(mainCF, dir, inPort, outPort),
		"master.cf": fmt.Sprintf(masterCF, p.submission, signer, p.relay, verifier)} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.command("/usr/sbin/postfix", "-c", filepath.Join(dir, "etc"), "start")
	t.Cleanup(func() {
		p.command("/usr/sbin/postfix", "-c", filepath.Join(dir, "etc"), "stop")
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "maillog"))
			t.Logf("postfix said:\n%s", log)
		}
	})
	return p
}

func (p *postfix) command(name string, args ...string) {
	p.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// startOpendkim runs a milter and returns where it listens.
func startOpendkim(t *testing.T, s *site, name, config string) (at string) {
	t.Helper()
	at = freePort(t)
	_, port, _ := net.SplitHostPort(at)
	file := s.write(name+".conf", fmt.Sprintf("Socket inet:%s@127.0.0.1\nSyslog no\nBackground no\nRequireSafeKeys no\nUserID root\n%s", port, config))
	cmd := exec.Command("/usr/sbin/opendkim", "-f", "-x", file)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.Bytes())
		}
	})
	s.until(name+" answers", func() bool {
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return at
}

// A post that postfix and opendkim signed comes to the list and goes out over the same postfix, whose opendkim verifies it. The
// author's signature still holds, for the list changes nothing that it covers.
func TestPostfixBothWays(t *testing.T) {
	n := newInternet(t)
	out, err := sink.Start(sink.Options{Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s := start(t, fmt.Sprintf("[dns]\nservers = [%q]\n[delivery]\nmode = \"capture\"\n", n.dns.Addr()))
	n.publish(s)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	n.keys["mail._domainkey.author.example"] = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
	n.dns.Set("TXT mail._domainkey.author.example", n.keys["mail._domainkey.author.example"])
	private := s.write("author.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	signer := startOpendkim(t, s, "signer", "Mode s\nDomain author.example\nSelector mail\nCanonicalization relaxed/relaxed\nKeyFile "+private+"\n")
	verifier := startOpendkim(t, s, "verifier", "Mode v\nInternalHosts 192.0.2.1\nAuthservID mx.author.example\nAlwaysAddARHeader yes\nTestPublicKeys "+n.keyFile(s)+"\n")
	p := startPostfix(t, s.smtp, out.Addr(), signer, verifier)

	s.stop() // now that the places of the others are known; loopback must not be trusted, or we verify nothing
	s.write("config.toml", strings.NewReplacer("mode = \"capture\"", "mode = \"relay\"\nrelay = \"smtp://"+p.relay+"\"",
		"[smtp]\n", "[smtp]\ntrusted_networks = [\"192.0.2.0/24\"]\n").Replace(s.read("config.toml")))
	s.serve()
	s.sangam("list", "create", "heplink", "--owner", "asha@author.example")
	s.sangam("list", "set", "heplink", "subject_prefix=")
	s.sangam("member", "add", "heplink", "ravi@member.example", "--quiet")
	s.run("", "swaks", "--server", p.submission, "--from", "asha@author.example", "--to", "heplink@lists.example.org", "--header", "Subject: Both ways", "--body", "Hello.")
	if !out.Wait(2, 30*time.Second) {
		t.Fatal("no copies")
	}
	raw := out.Messages()[0].Data
	if !bytes.Contains(raw, []byte("Authentication-Results: lists.example.org;")) || !bytes.Contains(raw, []byte("dkim=pass header.d=author.example")) {
		t.Errorf("we did not verify the author's signature:\n%s", raw)
	}
	told, _, _ := bytes.Cut(raw, []byte("DKIM-Signature:"))
	if !bytes.Contains(told, []byte("Authentication-Results: mx.author.example")) || !bytes.Contains(told, []byte("dkim=pass")) ||
		!bytes.Contains(told, []byte("header.d=lists.example.org")) {
		t.Errorf("opendkim did not verify our signature:\n%s", raw)
	}
	domains := map[string]int{}
	for _, d := range n.verify(s, raw).DKIM {
		if d.OK {
			domains[d.Domain]++
		}
	}
	if domains["lists.example.org"] != 2 || domains["author.example"] != 1 {
		t.Errorf("valid signatures are %v in\n%s", domains, raw)
	}
}
