package deliver_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/dns"
	"wesouthasians.org/sangam/smtpd/dns/dnstest"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
)

// internet is a name server and mail servers on loopback addresses that share one port.
type internet struct {
	*world
	dns    *dnstest.Server
	port   int
	direct deliver.DirectOptions
}

// newInternet has no members yet; 127.0.1.1 is its first host.
func newInternet(t testing.TB, zone dnstest.Zone) *internet {
	t.Helper()
	n := &internet{world: newWorld(t, 0, sink.Options{})}
	var err error
	n.dns, err = dnstest.Start(zone)
	n.must(err)
	t.Cleanup(n.dns.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0") // keeps the port from others
	n.must(err)
	t.Cleanup(func() { l.Close() })
	n.port = l.Addr().(*net.TCPAddr).Port
	n.direct = deliver.DirectOptions{Hostname: "lists.example.org", Resolver: dns.New([]string{n.dns.Addr()}), Port: n.port, Loopback: true, Connections: 20}
	return n
}

func (n *internet) at(ip string) string { return net.JoinHostPort(ip, strconv.Itoa(n.port)) }

func (n *internet) host(ip string, o sink.Options) *sink.Sink {
	n.Helper()
	o.Keep = true
	s, err := sink.StartAt(n.at(ip), o)
	n.must(err)
	n.Cleanup(func() { s.Close() })
	return s
}

// strange listens for a mail server of another kind.
func (n *internet) strange(ip string, talk func(c net.Conn)) {
	n.Helper()
	l, err := net.Listen("tcp", n.at(ip))
	n.must(err)
	var mu sync.Mutex
	var open []net.Conn
	n.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			go func() { defer c.Close(); talk(c) }()
		}
	}()
}

func (n *internet) join(addresses ...string) {
	n.Helper()
	for _, a := range addresses {
		m, err := n.store.NewMember(n.list.ID, a, time.Now().Add(-time.Hour))
		n.must(err)
		n.must(n.store.AddMember(m))
	}
}

func (n *internet) start(perDestination int) {
	n.Helper()
	transport := deliver.NewDirect(n.direct)
	r := deliver.New(deliver.Options{Store: n.store, Addresses: lists.NewAddresses(n.store, nil), Transport: transport, WebURL: "https://lists.example.org",
		Stamp: n.stamp, Connections: 20, PerDestination: perDestination, RetryFor: 5 * 24 * time.Hour, Now: n.now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		n.must(<-done)
		transport.Close()
	})
	n.Cleanup(n.stop)
}

func (n *internet) deferral(to string) store.Deferral {
	ds, err := n.store.Deferrals(0)
	n.must(err)
	for _, d := range ds {
		if string(d.Recipient) == to {
			return d
		}
	}
	return store.Deferral{}
}

func (n *internet) failure(to string) string {
	m, err := n.store.Member(n.list.ID, store.Address(to))
	n.must(err)
	return m.Failure.Answer
}

func TestRoutes(t *testing.T) {
	n := newInternet(t, dnstest.Zone{
		"MX two.example": {"20 backup.two.example", "10 mx.two.example"}, "A mx.two.example": {"127.0.1.1"}, "A backup.two.example": {"127.0.1.2"},
		"MX fallback.example": {"10 dead.fallback.example", "20 backup.two.example"}, "A dead.fallback.example": {"127.0.1.9"},
		"A plain.example":   {"127.0.1.3"},
		"MX null.example":   {"0 ."},
		"MX self.example":   {"10 lists.example.org", "20 backup.two.example"},
		"MX below.example":  {"10 backup.two.example", "20 lists.example.org", "30 mx.two.example"},
		"MX broken.example": {"SERVFAIL"},
		"MX gone.example":   {"10 nowhere.gone.example"},
		"TXT empty.example": {"no mail here"},
	})
	mx, backup, plain := n.host("127.0.1.1", sink.Options{}), n.host("127.0.1.2", sink.Options{}), n.host("127.0.1.3", sink.Options{})
	n.join("a@two.example", "a@fallback.example", "a@plain.example", "a@null.example", "a@self.example", "a@below.example", "a@broken.example",
		"a@gone.example", "a@empty.example", "a@missing.example", "a@[127.0.1.3]")
	n.start(5)
	n.post("hello\r\n")
	n.eventually("all is tried", func() bool {
		return mx.Total() == 1 && backup.Total() == 2 && plain.Total() == 2 && n.deferral("a@broken.example").Attempts == 1 && n.deferral("a@gone.example").Attempts == 1 &&
			n.failure("a@missing.example") != "" && n.failure("a@null.example") != "" && n.failure("a@self.example") != "" && n.failure("a@empty.example") != ""
	})
	for to, want := range map[string]string{"a@null.example": "5.1.10", "a@self.example": "5.4.6", "a@missing.example": "5.1.2", "a@empty.example": "5.1.2"} {
		if got := n.failure(to); !strings.Contains(got, want) {
			t.Errorf("%s failed with %q, want %s", to, got, want)
		}
	}
	if c := backup.Counts(); c["a@fallback.example"] != 1 || c["a@below.example"] != 1 {
		t.Errorf("the second server got %v", c)
	}
}

// Copies of one domain go over few connections, which are used again.
func TestConnectionsOfADomain(t *testing.T) {
	n := newInternet(t, dnstest.Zone{"MX big.example": {"10 mx.big.example"}, "A mx.big.example": {"127.0.1.1"}})
	var most, now int
	var mu sync.Mutex
	mx := n.host("127.0.1.1", sink.Options{Chunking: true, Answer: func(string) string {
		mu.Lock()
		defer mu.Unlock()
		if now++; now > most {
			most = now
		}
		now--
		return ""
	}})
	var members []string
	for i := range 500 {
		members = append(members, fmt.Sprintf("m%03d@big.example", i))
	}
	n.join(members...)
	n.start(3)
	n.post("hello\r\n")
	n.eventually("the job is done", n.idle)
	if mx.Total() != 500 || mx.Connections() > 6 {
		t.Errorf("%d copies over %d connections", mx.Total(), mx.Connections())
	}
}

// Servers of every unfriendly kind; those that are well get their copies at once, and nobody gets one twice.
func TestUnfriendlyServers(t *testing.T) {
	zone := dnstest.Zone{}
	kinds := []string{"well", "silent", "slow", "garbage", "half", "cut", "closed", "grey", "full"}
	for i, k := range kinds {
		zone["MX "+k+".example"] = []string{"10 mx." + k + ".example"}
		zone["A mx."+k+".example"] = []string{fmt.Sprintf("127.0.1.%d", i+1)}
	}
	n := newInternet(t, zone)
	well := n.host("127.0.1.1", sink.Options{})
	held := make(chan struct{})
	n.strange("127.0.1.2", func(c net.Conn) { <-held })
	n.strange("127.0.1.3", func(c net.Conn) {
		fmt.Fprint(c, "220 slow\r\n")
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			fmt.Fprint(c, "250-")
			<-held
		}
	})
	n.strange("127.0.1.4", func(c net.Conn) { c.Write(bytes.Repeat([]byte("\x00\xff nonsense "), 10000)) })
	n.strange("127.0.1.5", func(c net.Conn) {
		fmt.Fprint(c, "220 half\r\n")
		c.(*net.TCPConn).CloseWrite()
		<-held
	})
	cut := n.host("127.0.1.6", sink.Options{AnswerData: func([]string) string { return "-" }})
	n.host("127.0.1.7", sink.Options{Greeting: func() string { return "421 4.3.2 closed" }})
	grey := n.host("127.0.1.8", sink.Options{Answer: func(string) string { return "451 4.7.1 greylisted" }})
	n.host("127.0.1.9", sink.Options{AnswerData: func([]string) string { return "552 5.2.2 full" }})
	for _, k := range kinds {
		for i := range 20 {
			n.join(fmt.Sprintf("m%02d@%s.example", i, k))
		}
	}
	n.start(2)
	t.Cleanup(func() { close(held) })
	for range 5 {
		n.post(fmt.Sprintf("hello %d\r\n", time.Now().UnixNano()))
	}
	n.eventually("who is well has it all", func() bool { return well.Total() == 100 })
	n.eventually("the others are told apart", func() bool {
		return strings.Contains(n.deferral("m00@garbage.example").LastAnswer, "answer") && strings.Contains(n.deferral("m00@half.example").LastAnswer, "no answer") &&
			n.deferral("m00@cut.example").Attempts > 0 && strings.Contains(n.deferral("m19@closed.example").LastAnswer, "421 4.3.2 closed") &&
			strings.Contains(n.deferral("m19@grey.example").LastAnswer, "greylisted") && strings.Contains(n.failure("m19@full.example"), "552 5.2.2")
	})
	for to, c := range well.Counts() {
		if c != 5 {
			t.Errorf("%s got %d copies", to, c)
		}
	}
	if cut.Total()+grey.Total() != 0 {
		t.Error("a copy was counted that was not taken")
	}
}

func TestTLSOfADomain(t *testing.T) {
	cert, roots := certificate(t) // of example.com, as httptest has it
	zone := dnstest.Zone{"MX good.example": {"10 example.com"}, "A example.com": {"127.0.1.1"},
		"MX other.example": {"10 mx.other.example"}, "A mx.other.example": {"127.0.1.2"},
		"MX plain.example": {"10 mx.plain.example"}, "A mx.plain.example": {"127.0.1.3"},
		"MX broken.example": {"10 mx.broken.example"}, "A mx.broken.example": {"127.0.1.4"}}
	withTLS := sink.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}
	run := func(p deliver.TLSPolicy) (*internet, []*sink.Sink) {
		n := newInternet(t, zone)
		hosts := []*sink.Sink{n.host("127.0.1.1", withTLS), n.host("127.0.1.2", withTLS), n.host("127.0.1.3", sink.Options{}),
			n.host("127.0.1.4", sink.Options{TLS: &tls.Config{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS10}})}
		n.direct.TLSConfig, n.direct.Policy = &tls.Config{RootCAs: roots}, func(context.Context, string) deliver.TLSPolicy { return p }
		n.join("a@good.example", "a@other.example", "a@plain.example", "a@broken.example")
		n.start(5)
		n.post("hello\r\n")
		return n, hosts
	}
	n, hosts := run(deliver.TLSPolicy{})
	n.eventually("TLS where it is offered, of whatever kind", func() bool {
		return hosts[0].Total() == 1 && hosts[1].Total() == 1 && hosts[2].Total() == 1 && hosts[3].Total() == 1
	})
	n.stop()
	for _, h := range hosts {
		h.Close()
	}
	n, hosts = run(deliver.TLSPolicy{Required: true, Allowed: func(h string) bool { return h != "mx.broken.example" }})
	n.eventually("only where the certificate is right", func() bool {
		return hosts[0].Total() == 1 && strings.Contains(n.deferral("a@other.example").LastAnswer, "certificate") &&
			strings.Contains(n.deferral("a@plain.example").LastAnswer, "no STARTTLS") && strings.Contains(n.deferral("a@broken.example").LastAnswer, "MTA-STS")
	})
	if hosts[1].Total()+hosts[2].Total()+hosts[3].Total() != 0 {
		t.Error("mail went where its TLS is not good enough")
	}
}

// A remote without 8BITMIME gets a copy without bytes over 127, and its signature holds.
func TestSevenBitRemote(t *testing.T) {
	n := newInternet(t, dnstest.Zone{"A old.example": {"127.0.1.1"}, "A new.example": {"127.0.1.2"}})
	keys := newKeys(t)
	n.stamp = deliver.Stamp{Hostname: "lists.example.org", Domain: "lists.example.org", Keys: keys.Keys}
	old, newer := n.host("127.0.1.1", sink.Options{SevenBit: true}), n.host("127.0.1.2", sink.Options{})
	n.join("a@old.example", "a@new.example")
	n.start(5)
	n.postRaw("From: asha@example.net\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nजाँच\r\n--b\r\nContent-Type: application/x\r\n\r\n\xff\xfe\r\n--b--\r\n")
	n.eventually("the job is done", n.idle)
	for _, s := range []*sink.Sink{old, newer} {
		raw := s.Messages()[0].Data
		if n.signatures(keys, "lists.example.org", raw) != 2 {
			t.Errorf("signatures:\n%s", raw)
		}
		_, err := mail.ReadMessage(bytes.NewReader(raw))
		n.must(err)
	}
	raw := old.Messages()[0].Data
	if bytes.ContainsFunc(raw, func(r rune) bool { return r > 127 }) || !bytes.Contains(raw, []byte("=E0=A4=9C")) || !bytes.Contains(raw, []byte("//4=")) ||
		bytes.Contains(raw, []byte("8bit")) {
		t.Errorf("the old server got\n%s", raw)
	}
	if !bytes.Contains(newer.Messages()[0].Data, []byte("जाँच")) {
		t.Errorf("the new one got\n%s", newer.Messages()[0].Data)
	}
}

// Who asks for a retry has it tried, though the destination is paused.
func TestRetryNowOfAPausedDestination(t *testing.T) {
	n := newInternet(t, dnstest.Zone{"A down.example": {"127.0.1.1"}})
	n.join("a@down.example", "b@down.example")
	n.start(2)
	n.post("hello\r\n")
	n.eventually("both wait", func() bool {
		return n.deferral("a@down.example").Attempts == 1 && n.deferral("b@down.example").Attempts == 1
	})
	up := n.host("127.0.1.1", sink.Options{})
	n.must(n.store.RetryNow(0, time.Now().Truncate(time.Second)))
	n.eventually("both have it", func() bool { return up.Total() == 2 })
}

// A server that wants a login, or TLS before mail, stops no mail for others.
func TestLoginWantedByOneDestination(t *testing.T) {
	n := newInternet(t, dnstest.Zone{"A strict.example": {"127.0.1.1"}, "A well.example": {"127.0.1.2"}})
	n.host("127.0.1.1", sink.Options{Answer: func(string) string { return "530 5.7.0 Must issue a STARTTLS command first" }})
	well := n.host("127.0.1.2", sink.Options{})
	n.join("a@strict.example", "b@strict.example")
	n.start(2)
	n.post("first\r\n")
	n.eventually("it is refused", func() bool {
		js, err := n.store.Jobs()
		n.must(err)
		return strings.Contains(n.deferral("a@strict.example").LastAnswer, "530 5.7.0") || len(js) > 0 && js[0].LastAnswer != ""
	})
	n.join("a@well.example")
	n.post("second\r\n")
	n.eventually("the other has its copy", func() bool { return well.Total() == 1 })
	if d := n.deferral("b@strict.example"); !strings.Contains(d.LastAnswer, "530 5.7.0") {
		t.Errorf("deferral is %+v", d)
	}
}

// A server that has no time during a session is passed over like one that does not answer.
func TestBusyServerIsPassedOver(t *testing.T) {
	n := newInternet(t, dnstest.Zone{"MX two.example": {"10 mx.two.example", "20 backup.two.example"}, "A mx.two.example": {"127.0.1.1"}, "A backup.two.example": {"127.0.1.2"}})
	busy := n.host("127.0.1.1", sink.Options{Answer: func(string) string { return "421 4.3.2 not now" }})
	backup := n.host("127.0.1.2", sink.Options{})
	n.join("a@two.example")
	n.start(2)
	n.post("hello\r\n")
	n.eventually("the backup has it", func() bool { return backup.Total() == 1 })
	if busy.Total() != 0 {
		t.Error("the busy one has it too")
	}
}

// However many servers let us hang: destinations that are known to be well keep some connections.
func TestSilentServersLeaveConnections(t *testing.T) {
	zone := dnstest.Zone{"A well.example": {"127.0.1.1"}}
	for i := range 40 {
		zone[fmt.Sprintf("A silent%02d.example", i)] = []string{"127.0.1.2"}
	}
	n := newInternet(t, zone)
	well := n.host("127.0.1.1", sink.Options{})
	held := make(chan struct{})
	n.strange("127.0.1.2", func(net.Conn) { <-held })
	n.join("z@well.example")
	n.start(2)
	n.post("first\r\n")
	n.eventually("the first copy", func() bool { return well.Total() == 1 })
	for i := range 40 {
		n.join(fmt.Sprintf("a@silent%02d.example", i))
	}
	n.post("second\r\n")
	n.eventually("the second copy", func() bool { return well.Total() == 2 })
	n.post("third\r\n")
	n.eventually("the third copy", func() bool { return well.Total() == 3 })
	t.Cleanup(func() { close(held) })
}
