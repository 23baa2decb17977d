// Package acme fetches certificates from an authority (RFC 8555) and renews them, each name on its own. The authority proves our names through
// the listeners that we have: Challenge answers on the pages (HTTP-01), Get in a handshake (TLS-ALPN-01).
//
// Package app gives Get to every listener with TLS and runs Run beside them. No failure stops anything: a name without a certificate is served
// with one that is signed by itself, which other mail servers take for want of a better, and is tried again.
package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// Protocol of TLS-ALPN-01, to be among those of a listener that the authority reaches at port 443 (RFC 8737).
const Protocol = "acme-tls/1"

// Options of New.
type Options struct {
	Folder    string   // of keys and certificates, made when missing
	Email     string   // that the authority may write to; may be empty
	Directory string   // of the authority; empty: Let's Encrypt
	Names     []string // the first serves clients that name none
	HTTPPort  int      // where Challenge answers; 0: nowhere
	TLSPort   int      // where Get answers for the pages; 0: nowhere
	Log       *slog.Logger
}

// Certificates of some names.
type Certificates struct {
	Options
	fallback tls.Certificate
	again    chan struct{}

	mu      sync.Mutex
	running *running         // nil: Run does not run
	failed  map[string]error // the last failure of a name
}

// New makes the folder and the certificate for want of a better.
func New(o Options) (*Certificates, error) {
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	c := &Certificates{Options: o, again: make(chan struct{}, 1), failed: map[string]error{}}
	var err error
	if c.fallback, err = selfSigned(o.Names); err != nil {
		return nil, err
	}
	return c, nil
}

// tryAll is how often names are looked after that were given up: those that fail for a month, or whose files could not be written.
const tryAll = 24 * time.Hour

// Run gets and renews certificates until the context ends.
func (c *Certificates) Run(ctx context.Context) error {
	r := c.start()
	c.set(r)
	defer c.set(nil)
	defer r.cache.Stop()
	defer certmagic.CleanUpOwnLocks(context.WithoutCancel(ctx), r.config.Logger)
	for ctx.Err() == nil {
		c.manage(ctx, r.config)
	}
	return nil
}

// running is what Run runs.
type running struct {
	cache  *certmagic.Cache
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
}

func (c *Certificates) start() *running {
	r, logger := &running{}, zap.New(toSlog{c.Log})
	ready := make(chan struct{})
	r.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: logger, GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) {
		<-ready
		return r.config, nil
	}})
	r.config = certmagic.New(r.cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: c.Folder}, Logger: logger, OnEvent: c.event,
		DefaultServerName: c.Names[0], FallbackServerName: c.Names[0]})
	r.issuer = certmagic.NewACMEIssuer(r.config, certmagic.ACMEIssuer{CA: c.Directory, Email: c.Email, Agreed: true, Logger: logger,
		DisableHTTPChallenge: c.HTTPPort == 0, AltHTTPPort: c.HTTPPort, DisableTLSALPNChallenge: c.TLSPort == 0, AltTLSALPNPort: c.TLSPort,
		ListenHost: "127.0.0.1"}) // the library listens there as well when it can, to no effect
	r.config.Issuers = []certmagic.Issuer{r.issuer}
	close(ready)
	return r
}

// manage looks after all names until Retry is called or a day has passed.
func (c *Certificates) manage(ctx context.Context, cfg *certmagic.Config) {
	ctx, cancel := context.WithTimeout(ctx, tryAll)
	defer cancel()
	if err := cfg.ManageAsync(ctx, c.Names); err != nil {
		c.Log.Error("certificates are not looked after", "cause", err)
	}
	select {
	case <-c.again:
	case <-ctx.Done():
	}
}

// Retry tries names at once that failed.
func (c *Certificates) Retry() {
	select {
	case c.again <- struct{}{}:
	default:
	}
}

func (c *Certificates) set(r *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = r
}

func (c *Certificates) current() *running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// event of the library.
func (c *Certificates) event(_ context.Context, event string, about map[string]any) error {
	name, _ := about["identifier"].(string)
	switch event {
	case "cert_obtained":
		c.note(name, nil)
		c.Log.Info("certificate obtained", "name", name, "renewal", about["renewal"])
	case "cert_failed":
		err, _ := about["error"].(error)
		if errors.Is(err, context.Canceled) { // by Retry, or at the end
			return nil
		}
		c.note(name, err)
		c.Log.Warn("no certificate was issued, it is tried again", "name", name, "renewal", about["renewal"], "cause", err)
	}
	return nil
}

func (c *Certificates) note(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.failed, name)
	if err != nil {
		c.failed[name] = err
	}
}

// Get is for tls.Config.GetCertificate.
func (c *Certificates) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	r := c.current()
	if r == nil {
		return &c.fallback, nil
	}
	got, err := r.config.GetCertificate(hello)
	if err != nil && !slices.Contains(hello.SupportedProtos, Protocol) {
		return &c.fallback, nil
	}
	return got, err
}

// Challenge answers the authority on the pages, and gives all else to next.
func (c *Certificates) Challenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if r := c.current(); r == nil || !r.issuer.HandleHTTPChallenge(w, request) {
			next.ServeHTTP(w, request)
		}
	})
}

// State of one name.
type State struct {
	Name   string
	Until  time.Time // the end of its certificate; zero: it has none
	Failed error     // why there is no new one
}

// States of all names, in their order.
func (c *Certificates) States() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	states := make([]State, len(c.Names))
	for i, name := range c.Names {
		states[i] = State{Name: name, Failed: c.failed[name]}
		if c.running == nil {
			continue
		}
		for _, known := range c.running.cache.AllMatchingCertificates(name) {
			if known.Leaf != nil && known.Leaf.NotAfter.After(states[i].Until) {
				states[i].Until = known.Leaf.NotAfter
			}
		}
	}
	return states
}
