package deliver_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/smtpd/sink"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/bolt"
)

// sinkProcess in the environment makes the test binary a sink, so that a benchmark counts the sender's time alone.
const sinkProcess = "SANGAM_TEST_SINK"

func TestMain(m *testing.M) {
	if os.Getenv(sinkProcess) == "" {
		goleak.VerifyTestMain(m)
	}
	s, err := sink.Start(sink.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Addr())
	io.Copy(io.Discard, os.Stdin)
}

func startSink(b *testing.B) (address string) {
	b.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), sinkProcess+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

const benchConnections = 20

// benchPost has about 7 KB.
var benchPost = []byte("From: Asha Rao <asha@example.net>\r\nTo: heplink@lists.example.org\r\nSubject: [heplink] Figures of the month\r\n" +
	"Message-ID: <1@example.net>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" +
	strings.Repeat("Colleagues, these are the figures of our district for this month. Please send yours.\r\n", 80))

// usage of this process.
type usage struct {
	cpu     time.Duration
	written int64
	at      time.Time
}

func measure() usage {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return usage{time.Duration(ru.Utime.Nano() + ru.Stime.Nano()), procField("/proc/self/io", "write_bytes:"), time.Now()}
}

func procField(file, name string) int64 {
	text, _ := os.ReadFile(file)
	_, rest, _ := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n
}

func (u usage) report(b *testing.B, copies int) {
	now, n := measure(), float64(copies)
	b.ReportMetric(n/now.at.Sub(u.at).Seconds(), "copies/s")
	b.ReportMetric((now.cpu-u.cpu).Seconds()*1000/n, "cpu-ms/copy")
	b.ReportMetric(float64(now.written-u.written)/n, "written-B/copy")
	b.ReportMetric(float64(procField("/proc/self/status", "VmHWM:"))/1000, "peak-MB")
}

// BenchmarkFanout is one post to a roster: from the acceptance until every copy is delivered; settling goes on beside it.
func BenchmarkFanout(b *testing.B) {
	for _, members := range []int{150, 1000, 10000} {
		b.Run(strconv.Itoa(members), func(b *testing.B) { fanout(b, members) })
	}
}

func fanout(b *testing.B, members int) {
	must := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	engine, err := bolt.Open(filepath.Join(b.TempDir(), "sangam.db"))
	must(err)
	st, err := store.Open(engine)
	must(err)
	defer st.Close()
	list, err := st.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	must(err)
	ms := make([]store.Member, members)
	for i := range ms {
		ms[i], err = st.NewMember(list.ID, fmt.Sprintf("member%05d@example.org", i), time.Now().Add(-time.Hour))
		must(err)
	}
	_, err = st.AddMembers(ms)
	must(err)
	ms = nil
	transport, err := deliver.NewRelay(deliver.RelayOptions{URL: "smtp://" + startSink(b), Hostname: "lists.example.org", Connections: benchConnections})
	must(err)
	defer transport.Close()
	sent, open := make(chan struct{}), members
	r := deliver.New(deliver.Options{Store: st, Addresses: lists.NewAddresses(st, nil), Transport: transport, WebURL: "https://lists.example.org",
		Connections: benchConnections, RetryFor: time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Count: func(k deliver.Kind, n int) {
			if open -= n; open == 0 {
				open = members
				sent <- struct{}{}
			}
		}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // peak memory counts from here
	posts := 0
	before := measure()
	for b.Loop() {
		posts++
		_, err := st.Accept(ctx, store.Acceptance{List: list.ID, Content: sha256.Sum256([]byte{byte(posts), byte(posts >> 8), byte(posts >> 16)}), Deliver: true,
			Build: func(uint64) ([]byte, store.Post, error) {
				return benchPost, store.Post{Received: time.Now(), Date: time.Now()}, nil
			}})
		must(err)
		<-sent
	}
	cancel()
	must(<-done)
	before.report(b, posts*members)
}

// BenchmarkBareClient is what a go-smtp client reaches with the same connections and messages: the measure for BenchmarkFanout.
func BenchmarkBareClient(b *testing.B) {
	address := startSink(b)
	const batch = 1000
	messages := make(chan int)
	var workers, batches sync.WaitGroup
	for range benchConnections {
		c, err := smtp.Dial(address)
		if err != nil {
			b.Fatal(err)
		}
		workers.Go(func() {
			defer c.Close()
			for i := range messages {
				if err := c.SendMail("heplink-bounces@lists.example.org", []string{fmt.Sprintf("member%05d@example.org", i)}, bytes.NewReader(benchPost)); err != nil {
					b.Error(err)
				}
				batches.Done()
			}
		})
	}
	n := 0
	before := measure()
	for b.Loop() {
		batches.Add(batch)
		for range batch {
			messages <- n
			n++
		}
		batches.Wait()
	}
	before.report(b, n)
	close(messages)
	workers.Wait()
}
