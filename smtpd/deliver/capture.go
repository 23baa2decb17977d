package deliver

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"wesouthasians.org/sangam/store"
)

// Capture is the transport that sends nothing: each recipient has a Maildir, where the copies lie as they would have
// gone out, with the return path on top.
type Capture struct {
	dir     string
	counter atomic.Uint64
	made    sync.Map // recipient → nothing
}

// NewCapture makes the folder.
func NewCapture(dir string) (*Capture, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("capture folder: %w", err)
	}
	return &Capture{dir: dir}, nil
}

// Folder of a recipient's Maildir. Nothing in an address leads out of the capture folder.
func (c *Capture) Folder(recipient string) string {
	if a, err := store.ParseAddress(recipient); err == nil { // one folder however the address is written
		recipient = string(a)
	}
	name := url.PathEscape(recipient)
	if name == "." || name == ".." || len(name) > 250 {
		name = "%" + name[:min(len(name), 240)]
	}
	return filepath.Join(c.dir, name)
}

// Deliver writes every copy.
func (c *Capture) Deliver(ctx context.Context, copies []Copy, report func(i int, r Result)) {
	for i, cp := range copies {
		if err := c.write(cp); err != nil {
			report(i, Result{Kind: Down, Answer: err.Error()})
			continue
		}
		report(i, Result{Kind: Delivered, Answer: "250 2.0.0 captured"})
	}
}

func (c *Capture) write(cp Copy) error {
	head, err := cp.Head()
	if err != nil {
		return err
	}
	dir := c.Folder(cp.To)
	if _, ok := c.made.Load(dir); !ok {
		for _, sub := range []string{"tmp", "new", "cur"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
				return fmt.Errorf("capture: %w", err)
			}
		}
		c.made.Store(dir, nil)
	}
	name := fmt.Sprintf("%d.P%dQ%d.sangam", time.Now().UnixMicro(), os.Getpid(), c.counter.Add(1))
	f, err := os.OpenFile(filepath.Join(dir, "tmp", name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	w := bufio.NewWriter(f)
	w.WriteString("Return-Path: <" + cp.From + ">\r\n")
	w.Write(head)
	w.Write(cp.Content.Raw)
	err = w.Flush()
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, "new", name))
	}
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// Close does nothing.
func (c *Capture) Close() error { return nil }

// Destination is one for all.
func (c *Capture) Destination(string) string { return "" }
