package imapd_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// benchSite has a list with n posts, and a client that has it selected.
func benchSite(b *testing.B, n int) *client {
	s := newSite(b)
	l := s.list("heplink", nil)
	s.join(l, "asha@example.org", store.RoleMember)
	for from := 0; from < n; from += 1000 {
		var as []store.Acceptance
		for i := from; i < min(n, from+1000); i++ {
			raw := append(fmt.Appendf(nil, plain, fmt.Sprint("post ", i), fmt.Sprint("m", i)), bytes.Repeat([]byte("some words of a post\r\n"), 100)...)
			as = append(as, store.Acceptance{List: l.ID, MessageID: fmt.Sprint("m", i), Content: sha256.Sum256(raw), Build: func(uint64) ([]byte, store.Post, error) {
				return raw, archive.Describe(raw, now).Post, nil
			}})
		}
		if _, err := s.store.AcceptAll(context.Background(), as); err != nil {
			b.Fatal(err)
		}
	}
	c := s.login("asha@example.org")
	c.c.SetDeadline(time.Now().Add(10 * time.Minute))
	c.do("SELECT heplink").ok()
	return c
}

func BenchmarkSelect100k(b *testing.B) {
	c := benchSite(b, 100_000)
	for b.Loop() {
		c.do("SELECT heplink")
	}
}

func (c *client) drain(b *testing.B, format string, args ...any) {
	c.n++
	fmt.Fprintf(c.c, "t%d "+format+"\r\n", append([]any{c.n}, args...)...)
	end := fmt.Appendf(nil, "t%d ", c.n)
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil && len(line) == 0 {
			b.Fatal(err)
		}
		if bytes.HasPrefix(line, end) {
			return
		}
	}
}

func BenchmarkFetchEnvelopes(b *testing.B) {
	const n = 100_000
	c := benchSite(b, n)
	for b.Loop() {
		c.drain(b, "UID FETCH 1:* (FLAGS ENVELOPE)")
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkFetchBodies(b *testing.B) {
	const n = 10_000
	c := benchSite(b, n)
	for b.Loop() {
		c.drain(b, "UID FETCH 1:* BODY.PEEK[]")
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkSelectInbox100k(b *testing.B) {
	c := benchSite(b, 100_000)
	for b.Loop() {
		c.do("SELECT INBOX")
	}
}

// BenchmarkIdle tells how long a post takes to reach a client that waits on an INBOX of 100,000.
func BenchmarkIdle(b *testing.B) {
	c := benchSite(b, 100_000)
	c.do("SELECT INBOX").ok()
	fmt.Fprint(c.c, "i IDLE\r\n")
	c.line()
	l, err := c.site.store.List("heplink@lists.example.org")
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		c.site.post(l, fmt.Sprintf(plain, "new", fmt.Sprint("idle", n)))
		c.line()
		n++
	}
}
