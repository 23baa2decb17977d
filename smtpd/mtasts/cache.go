package mtasts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Cache finds the policies of domains and remembers them, each in a file of its folder. It is safe for concurrent use.
type Cache struct {
	Fetcher
	folder string
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	domains map[string]*entry
}

// entry is what is known of one domain.
type entry struct {
	mu     sync.Mutex // held while a policy is fetched
	read   bool       // the file was looked at
	policy *stored    // nil: none
	failed time.Time  // when a fetch failed last
}

// stored is the content of a file.
type stored struct {
	ID      string    `json:"id"`
	Policy  Policy    `json:"policy"`
	Fetched time.Time `json:"fetched"`
}

func (s *stored) expires() time.Time { return s.Fetched.Add(s.Policy.MaxAge) }

const (
	maxDomains = 20_000           // in memory
	retryAfter = 15 * time.Minute // a policy that could not be fetched; RFC 8461 section 3.3 wants five at least
)

// NewCache keeps its files in a folder, which it makes when there is something to write.
func NewCache(f Fetcher, folder string, now func() time.Time, log *slog.Logger) *Cache {
	return &Cache{Fetcher: f, folder: folder, now: now, log: log, domains: map[string]*entry{}}
}

// Policy is that of a domain, of mode none when it has none. It is fetched when it is new, and again at half of its life. When neither the
// DNS nor the host of the domain answers, the policy that was known before stays until its end.
func (c *Cache) Policy(ctx context.Context, domain string) Policy {
	if !isName(domain) {
		return Policy{Mode: None}
	}
	e := c.entry(domain)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.read {
		e.policy, e.read = c.load(domain), true
	}
	now := c.now()
	if e.policy != nil && !now.Before(e.policy.expires()) {
		e.policy = nil
		c.remove(domain)
	}
	id := ""
	if texts, err := c.Resolver.LookupTXT(ctx, "_mta-sts."+domain); err == nil {
		id = Announced(texts)
	}
	if id != "" && !e.fresh(id, now) && now.Sub(e.failed) >= retryAfter {
		c.renew(ctx, domain, id, e)
	}
	if e.policy == nil {
		return Policy{Mode: None}
	}
	return e.policy.Policy
}

// fresh tells whether a policy need not be fetched.
func (e *entry) fresh(id string, now time.Time) bool {
	return e.policy != nil && e.policy.ID == id && now.Sub(e.policy.Fetched) < e.policy.Policy.MaxAge/2
}

func (c *Cache) renew(ctx context.Context, domain, id string, e *entry) {
	p, err := c.Fetch(ctx, domain)
	if err != nil {
		if ctx.Err() == nil {
			e.failed = c.now()
			c.log.Warn("an MTA-STS policy was not fetched", "domain", domain, "known", e.policy != nil, "cause", err)
		}
		return
	}
	e.policy, e.failed = &stored{ID: id, Policy: p, Fetched: c.now().UTC()}, time.Time{}
	if err := c.save(domain, e.policy); err != nil {
		c.log.Error("an MTA-STS policy was not written: a restart forgets it", "domain", domain, "cause", err)
	}
}

// entry finds the domain's. Where there are too many all are forgotten: what binds us is in the files.
func (c *Cache) entry(domain string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.domains[domain]
	if e == nil {
		if len(c.domains) >= maxDomains {
			clear(c.domains)
		}
		e = &entry{}
		c.domains[domain] = e
	}
	return e
}

func (c *Cache) file(domain string) string { return filepath.Join(c.folder, domain+".json") }

func (c *Cache) load(domain string) *stored {
	text, err := os.ReadFile(c.file(domain))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s stored
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		c.log.Error("a known MTA-STS policy was not read", "file", c.file(domain), "cause", err)
		return nil
	}
	return &s
}

// save writes a file in one step.
func (c *Cache) save(domain string, s *stored) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.folder, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return os.Rename(f.Name(), c.file(domain))
}

func (c *Cache) remove(domain string) {
	if err := os.Remove(c.file(domain)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Error("an MTA-STS policy that has ended was not removed", "cause", err)
	}
}
