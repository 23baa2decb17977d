package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/bench"
)

func newBenchFanout(e *env) *cobra.Command {
	var o bench.Options
	posts := 0
	cmd := e.jsonFlag(&cobra.Command{
		Use: "fanout", Short: "Deliver posts to a made-up roster and measure it", Args: arguments(0, 0),
		Long: "Deliver posts to a made-up roster, over loopback to a sink that is a process of its own, and print copies a second and what the sender\n" +
			"needs for them: processor time, memory, bytes written. It uses a store of its own, which is removed.",
		Example: "  sangam bench fanout --members 10000 --posts 3\n  sangam bench fanout --members 1000 --latency 50ms --chunking --sign --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Members < 1 || posts < 1 || o.Connections < 1 || o.Sink.Latency < 0 {
				return usagef("--members, --posts and --connections start at 1, --latency at 0s")
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			o.Command = func(s bench.SinkOptions) *exec.Cmd {
				return exec.Command(self, "bench", "sink", "--stdin", "--latency", s.Latency.String(), "--chunking="+strconv.FormatBool(s.Chunking))
			}
			f, err := bench.Start(o)
			if err != nil {
				return fmt.Errorf("the measurement cannot start: %w", err)
			}
			r, err := f.Run(cmd.Context(), posts)
			if closed := f.Close(); err == nil {
				err = closed
			}
			if err != nil {
				return err
			}
			return e.printFanout(o, posts, r)
		},
	})
	flags := cmd.Flags()
	flags.IntVar(&o.Members, "members", 1000, "of the list")
	flags.IntVar(&posts, "posts", 3, "one behind the other, without waiting")
	flags.IntVar(&o.Connections, "connections", 20, "to the sink")
	flags.DurationVar(&o.Sink.Latency, "latency", 0, "of a round trip, like `50ms`")
	flags.BoolVar(&o.Sign, "sign", false, "sign each copy with RSA and Ed25519")
	flags.BoolVar(&o.Sink.Chunking, "chunking", false, "the sink offers CHUNKING")
	flags.BoolVar(&o.Direct, "direct", false, "by MX records, to "+strconv.Itoa(bench.Domains)+" domains, in place of a relay")
	flags.StringVar(&o.Dir, "dir", "", "`FOLDER` below which the store is made (default the system's for temporary files)")
	return cmd
}

func (e *env) printFanout(o bench.Options, posts int, r bench.Report) error {
	round := func(x float64) float64 { return math.Round(x*10_000) / 10_000 }
	out := row{"members": o.Members, "posts": posts, "connections": o.Connections, "latency_ms": o.Sink.Latency.Milliseconds(), "signed": o.Sign,
		"chunking": o.Sink.Chunking, "direct": o.Direct, "copies": r.Copies, "seconds": round(r.Seconds), "copies_per_second": math.Round(r.Rate()),
		"cpu_ms_per_copy": round(r.CPUPerCopy()), "peak_memory_mb": math.Round(float64(r.Peak) / 1e6), "written_bytes_per_copy": math.Round(r.WrittenPerCopy()),
		"accepted_ms": round(r.Accepted * 1000)}
	keys := []string{"members", "posts", "connections", "latency_ms", "signed", "chunking", "direct", "copies", "seconds", "copies_per_second",
		"cpu_ms_per_copy", "peak_memory_mb", "written_bytes_per_copy", "accepted_ms"}
	if o.Sign {
		signatures, err := rsaRate(time.Second)
		if err != nil {
			return err
		}
		out["rsa_signatures_per_second"] = math.Round(signatures)
		keys = append(keys, "rsa_signatures_per_second")
	}
	return e.printOne(out, keys...)
}

// rsaRate is what the RSA operation alone allows on all cores.
func rsaRate(within time.Duration) (float64, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	hashed := sha256.Sum256(nil)
	var n atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(began) < within {
				if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hashed[:]); err == nil {
					n.Add(1)
				}
			}
		})
	}
	workers.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), nil
}
