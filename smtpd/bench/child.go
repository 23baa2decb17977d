package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/smtpd/dns/dnstest"
	"wesouthasians.org/sangam/smtpd/sink"
)

// SinkOptions of a sink.
type SinkOptions struct {
	Listen   string        // host:port; empty: a free port on loopback
	Latency  time.Duration // of a round trip
	Chunking bool          // offers CHUNKING
}

// Sink is a running sink with a name server that leads the members' domains to it.
type Sink struct {
	smtp *sink.Sink
	dns  *dnstest.Server
}

// StartSink takes mail and keeps none.
func StartSink(o SinkOptions) (*Sink, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := sink.StartAt(o.Listen, sink.Options{Latency: o.Latency, Chunking: o.Chunking})
	if err != nil {
		return nil, err
	}
	zone := dnstest.Zone{"A mx.example.org": {"127.0.0.1"}}
	for i := range Domains {
		zone[fmt.Sprintf("MX d%02d.example.org", i)] = []string{"10 mx.example.org"}
	}
	names, err := dnstest.Start(zone)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Sink{s, names}, nil
}

// Ready is the line that tells where the sink listens, for mail and for questions of DNS.
func (s *Sink) Ready() string { return "ready: smtp " + s.smtp.Addr() + " dns " + s.dns.Addr() }

// Total copies taken.
func (s *Sink) Total() int { return s.smtp.Total() }

// Close ends it.
func (s *Sink) Close() error {
	s.dns.Close()
	return s.smtp.Close()
}

// ServeSink runs a sink as a child of Start: it tells where it listens, and ends when in does.
func ServeSink(o SinkOptions, in io.Reader, out io.Writer) error {
	s, err := StartSink(o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, s.Ready()); err != nil {
		return errors.Join(err, s.Close())
	}
	_, err = io.Copy(io.Discard, in)
	return errors.Join(err, s.Close())
}

// child is a sink in a process of its own.
type child struct {
	cmd       *exec.Cmd
	in        io.Closer
	smtp, dns string
	port      int
}

func startSink(command func(SinkOptions) *exec.Cmd, o SinkOptions) (*child, error) {
	cmd := command(o)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	c := &child{cmd: cmd, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 5 || fields[0] != "ready:" {
		return nil, fmt.Errorf("the sink did not start: %w", errors.Join(err, c.stop()))
	}
	c.smtp, c.dns = fields[2], fields[4]
	_, port, err := net.SplitHostPort(c.smtp)
	if err == nil {
		c.port, err = strconv.Atoi(port)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *child) stop() error { return errors.Join(c.in.Close(), c.cmd.Wait()) }
