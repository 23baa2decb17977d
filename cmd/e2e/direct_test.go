//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/sink"
)

// Mail goes to the servers of its domains. Those that are well have it at once, and the queue says what the others answered.
func TestDirectDelivery(t *testing.T) {
	n := newInternet(t)
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	var mu sync.Mutex
	seen := map[string]bool{}
	connections := 0
	well := n.host("well.example", 1, sink.Options{Chunking: true})
	grey := n.host("grey.example", 2, sink.Options{Answer: func(to string) string {
		mu.Lock()
		defer mu.Unlock()
		if !seen[to] {
			seen[to] = true
			return "451 4.7.1 greylisted, come again"
		}
		return ""
	}})
	busy := n.host("busy.example", 3, sink.Options{Greeting: func() string {
		mu.Lock()
		defer mu.Unlock()
		if connections++; connections < 3 {
			return "421 4.3.2 too busy"
		}
		return ""
	}})
	secure := n.host("tls.example", 4, sink.Options{TLS: &tls.Config{Certificates: web.TLS.Certificates}})
	slow := n.host("slow.example", 5, sink.Options{Latency: 500 * time.Millisecond})
	n.route("dead.example", 6)
	n.dns.Set("MX null.example", "0 .")

	s := start(t, n.config())
	s.sangam("list", "create", "heplink", "--owner", "asha@well.example")
	for _, domain := range []string{"well", "grey", "busy", "tls", "slow", "dead", "null"} {
		for i := range 6 {
			s.sangam("member", "add", "heplink", fmt.Sprintf("m%d@%s.example", i, domain), "--quiet")
		}
	}
	s.run("", "swaks", "--server", s.smtp, "--from", "asha@well.example", "--to", "heplink@lists.example.org", "--header", "Subject: To all", "--body", "Hello.")
	for name, host := range map[string]*sink.Sink{"well": well, "tls": secure, "slow": slow} {
		want := map[string]int{"well": 7, "tls": 6, "slow": 6}[name]
		if !host.Wait(want, 30*time.Second) {
			t.Errorf("%s.example has %d copies of %d", name, host.Total(), want)
		}
	}
	want := map[string]string{"grey": "451 4.7.1 greylisted", "busy": "421 4.3.2 too busy", "dead": "refused"}
	s.until("the queue says why", func() bool {
		waits := s.queue()
		for i := range 6 {
			for domain, answer := range want {
				if !strings.Contains(waits[fmt.Sprintf("m%d@%s.example", i, domain)], answer) {
					return false
				}
			}
		}
		return len(waits) == 18
	})
	if show := s.sangam("member", "show", "m0@null.example", "--json"); !strings.Contains(show, "null MX") {
		t.Errorf("a domain that takes no mail: %s", show)
	}

	s.until("the others come through", func() bool {
		s.sangam("queue", "retry")
		return grey.Total() == 6 && busy.Total() == 6
	})
	s.until("only the dead host is left", func() bool { return len(s.queue()) == 6 })
	for _, host := range []*sink.Sink{well, grey, busy, secure, slow} {
		for to, c := range host.Counts() {
			if c != 1 {
				t.Errorf("%s got %d copies", to, c)
			}
		}
	}
	s.sangam("queue", "drop", "1")
}

// A server that is killed in the middle of direct delivery loses nobody, and repeats itself to few.
func TestKilledInDirectDelivery(t *testing.T) {
	const domains, members = 4, 1000
	n := newInternet(t)
	var hosts []*sink.Sink
	for d := range domains {
		hosts = append(hosts, n.host(fmt.Sprintf("d%d.example", d), d+1, sink.Options{Latency: 5 * time.Millisecond, Chunking: d%2 == 0}))
	}
	total := func() (n int) {
		for _, h := range hosts {
			n += h.Total()
		}
		return n
	}
	s := start(t, n.config())
	s.sangam("list", "create", "heplink")
	roster := "address,name,role,delivery\n"
	for i := range members {
		roster += fmt.Sprintf("m%d@d%d.example,,member,each\n", i, i%domains)
	}
	s.sangam("member", "import", "heplink", s.write("members.csv", roster))
	s.sangam("list", "set", "heplink", "post=anyone")
	s.run("", "swaks", "--server", s.smtp, "--from", "asha@well.example", "--to", "heplink@lists.example.org", "--header", "Subject: To all", "--body", "Hello.")
	for _, at := range []int{100, 500, 900} {
		s.until(fmt.Sprintf("%d copies", at), func() bool { return total() >= at })
		s.server.Process.Kill()
		s.server.Wait()
		s.serve()
	}
	s.until("the queue is empty", func() bool { return len(s.queue()) == 0 })
	got, doubled := 0, 0
	for _, h := range hosts {
		for _, c := range h.Counts() {
			got++
			doubled += c - 1
		}
	}
	t.Logf("%d members have the post, %d copies were sent again after three kills", got, doubled)
	if got != members || doubled > members {
		t.Errorf("%d of %d members have the post, %d copies too many", got, members, doubled)
	}
}
