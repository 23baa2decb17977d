package bench

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Report of a run. Memory and bytes are read from Linux's /proc; elsewhere they are 0.
type Report struct {
	Copies   int
	Seconds  float64 // from the first post until the last copy is delivered
	CPU      float64 // seconds of processor of the sender alone
	Written  int64   // bytes to the disk
	Peak     int64   // bytes of memory
	Accepted float64 // seconds until a post is accepted, the median
}

// Rate is copies a second.
func (r Report) Rate() float64 { return float64(r.Copies) / r.Seconds }

// CPUPerCopy in milliseconds.
func (r Report) CPUPerCopy() float64 { return r.CPU * 1000 / float64(r.Copies) }

// WrittenPerCopy in bytes.
func (r Report) WrittenPerCopy() float64 { return float64(r.Written) / float64(r.Copies) }

// Add sums runs up.
func (r *Report) Add(o Report) {
	r.Copies += o.Copies
	r.Seconds += o.Seconds
	r.CPU += o.CPU
	r.Written += o.Written
	r.Peak, r.Accepted = max(r.Peak, o.Peak), max(r.Accepted, o.Accepted)
}

// usage of this process so far.
type usage struct {
	at      time.Time
	cpu     time.Duration
	written int64
}

func measure() usage {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return usage{time.Now(), time.Duration(ru.Utime.Nano() + ru.Stime.Nano()), procField("/proc/self/io", "write_bytes:")}
}

func (u usage) until(now usage) Report {
	return Report{CPU: (now.cpu - u.cpu).Seconds(), Written: now.written - u.written, Peak: procField("/proc/self/status", "VmHWM:") << 10}
}

// resetPeak lets the peak of memory count from now on.
func resetPeak() { os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

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
