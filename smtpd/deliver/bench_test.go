package deliver_test

import (
	"bufio"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"wesouthasians.org/sangam/smtpd/bench"
)

// sinkProcess in the environment makes the test binary a sink, so that a benchmark counts the sender's time alone.
const sinkProcess = "SANGAM_TEST_SINK"

func TestMain(m *testing.M) {
	options := os.Getenv(sinkProcess)
	if options == "" {
		goleak.VerifyTestMain(m)
	}
	var o bench.SinkOptions
	err := json.Unmarshal([]byte(options), &o)
	if err == nil {
		err = bench.ServeSink(o, os.Stdin, os.Stdout)
	}
	if err != nil {
		panic(err)
	}
}

func sinkCommand(o bench.SinkOptions) *exec.Cmd {
	options, _ := json.Marshal(o)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), sinkProcess+"="+string(options))
	return c
}

const benchConnections = 20

// BenchmarkFanout is one post to a roster: from the acceptance until every copy is delivered and that is written down.
func BenchmarkFanout(b *testing.B) {
	far, chunking := bench.SinkOptions{Latency: 50 * time.Millisecond}, bench.SinkOptions{Chunking: true}
	farChunking := bench.SinkOptions{Latency: 50 * time.Millisecond, Chunking: true}
	for _, c := range []struct {
		name string
		o    bench.Options
	}{
		{"150", bench.Options{Members: 150}},
		{"1000", bench.Options{Members: 1000}},
		{"10000", bench.Options{Members: 10_000}},
		{"100000", bench.Options{Members: 100_000}},
		{"10000/chunking", bench.Options{Members: 10_000, Sink: chunking}},
		{"10000/direct", bench.Options{Members: 10_000, Direct: true}},
		{"150/signed", bench.Options{Members: 150, Sign: true}},
		{"2000/signed", bench.Options{Members: 2000, Sign: true}},
		{"1000/50ms", bench.Options{Members: 1000, Sink: far}},
		{"10000/50ms/chunking", bench.Options{Members: 10_000, Sink: farChunking}},
		{"1000/50ms/signed", bench.Options{Members: 1000, Sink: far, Sign: true}},
		{"2000/50ms/chunking/signed", bench.Options{Members: 2000, Sink: farChunking, Sign: true}},
	} {
		b.Run(c.name, func(b *testing.B) { fanout(b, c.o) })
	}
}

func fanout(b *testing.B, o bench.Options) {
	o.Connections, o.Dir, o.Command = benchConnections, b.TempDir(), sinkCommand
	f, err := bench.Start(o)
	if err != nil {
		b.Fatal(err)
	}
	var sum bench.Report
	for b.Loop() {
		r, err := f.Run(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		sum.Add(r)
	}
	if err := f.Close(); err != nil {
		b.Error(err)
	}
	b.ReportMetric(sum.Rate(), "copies/s")
	b.ReportMetric(sum.CPUPerCopy(), "cpu-ms/copy")
	b.ReportMetric(sum.WrittenPerCopy(), "written-B/copy")
	b.ReportMetric(float64(sum.Peak)/1e6, "peak-MB")
}

// BenchmarkRSA is what the operation alone allows on all cores: the measure for signed copies.
func BenchmarkRSA(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	hashed := sha256.Sum256(nil)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hashed[:]); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signatures/s")
}

// benchPost has about 7 KB.
var benchPost = "From: Asha Rao <asha@example.net>\r\nSubject: Figures of the month\r\n\r\n" + strings.Repeat("Colleagues, these are the figures of our district for this month. Please send yours.\r\n", 80)

// BenchmarkBareClient is what a go-smtp client reaches with the same connections and messages: the measure for BenchmarkFanout.
func BenchmarkBareClient(b *testing.B) {
	sink := sinkCommand(bench.SinkOptions{})
	in, _ := sink.StdinPipe()
	out, _ := sink.StdoutPipe()
	if err := sink.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { in.Close(); sink.Wait() }()
	line, _ := bufio.NewReader(out).ReadString('\n')
	address := strings.Fields(line)[2]
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
				if err := c.SendMail("heplink-bounces@lists.example.org", []string{fmt.Sprintf("member%05d@example.org", i)}, strings.NewReader(benchPost)); err != nil {
					b.Error(err)
				}
				batches.Done()
			}
		})
	}
	n := 0
	for b.Loop() {
		batches.Add(batch)
		for range batch {
			messages <- n
			n++
		}
		batches.Wait()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "copies/s")
	close(messages)
	workers.Wait()
}
