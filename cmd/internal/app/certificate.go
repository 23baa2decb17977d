package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is read from files, and again when they change.
type certificate struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	loaded  *tls.Certificate
	of      [2]time.Time // when the files changed
	checked time.Time
}

// checkEvery bounds how often a handshake looks at the files.
const checkEvery = 10 * time.Second

func newCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log, now: time.Now}
	return c, c.Reload()
}

// Reload reads the files. When that fails the old certificate stays.
func (c *certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

func (c *certificate) load() error {
	of := c.changed()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("this and tls.key make no certificate: %w", err)
	}
	if c.loaded != nil {
		c.log.Info("certificate reloaded", "cert", c.cert)
	}
	c.loaded, c.of = &pair, of
	return nil
}

func (c *certificate) changed() (of [2]time.Time) {
	for i, file := range []string{c.cert, c.key} {
		if info, err := os.Stat(file); err == nil {
			of[i] = info.ModTime()
		}
	}
	return of
}

// Get is for tls.Config.GetCertificate.
func (c *certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= checkEvery {
		c.checked = now
		if of := c.changed(); of != c.of {
			if err := c.load(); err != nil {
				// One of the two may be written a moment later: the next look finds it.
				c.log.Warn("certificate not reloaded", "error", err)
			}
		}
	}
	return c.loaded, nil
}

// expiring is how long before its end a certificate that another program renews should have been renewed.
const expiring = 7 * 24 * time.Hour

// states tells when it ends.
func (c *certificate) states() []CertificateState {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := CertificateState{Name: c.cert, Until: c.loaded.Leaf.NotAfter}
	if left := s.Until.Sub(c.now()); left < expiring {
		s.Trouble = fmt.Sprintf("the certificate in %s ends at %s: renew it", c.cert, s.Until.UTC().Format(time.RFC3339))
	}
	return []CertificateState{s}
}
