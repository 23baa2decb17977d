// Package app wires one Sangam server: it gives the store and the configuration to intake, SMTP, delivery, IMAP and the
// pages, opens their listeners and drains them at the end.
//
// The commands serve and demo call New, Listen and Run; tests do the same with listeners on port 0. New starts nothing;
// Run returns when everything has ended, and within Drain of the end of its context.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wesouthasians.org/sangam/cmd/internal/acme"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/control"
	"wesouthasians.org/sangam/cmd/internal/telemetry"
	"wesouthasians.org/sangam/smtpd/auth"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/smtpd/dns"
	"wesouthasians.org/sangam/store"
)

// Drain is how long sessions may take to end by themselves.
const Drain = 30 * time.Second

// Options of New.
type Options struct {
	Config  *config.Config
	Store   *store.Store
	Log     slog.Handler
	Now     func() time.Time // nil: time.Now
	Control control.Run      // commands that act inside the server; nil: no control socket
}

// App is one server.
type App struct {
	Options
	log            *slog.Logger
	telemetry      *telemetry.Telemetry
	certificate    *certificate       // tls.mode = "files"
	acme           *acme.Certificates // tls.mode = "acme"
	getCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	services       []*service
	followers      []follower
	Parts          *Parts
	Keys           *dkim.Ring // nil: dkim.enabled = false
	dns            *dns.Resolver
	policies       *auth.Policies
	control        net.Listener

	mu sync.Mutex // of Config, for Reload
}

// follower works behind the log until its context ends.
type follower interface {
	Run(ctx context.Context) error
}

// New makes every part and starts none.
func New(o Options) (*App, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{Options: o}
	a.telemetry = telemetry.New(o.Log, o.Store.Writable)
	a.log = a.telemetry.Log
	a.gauges()
	if err := a.openCertificates(); err != nil {
		return nil, err
	}
	a.telemetry.Notes(a.troubles)
	return a, a.wire()
}

// Log is the log of the server, which counts fates.
func (a *App) Log() *slog.Logger { return a.log }

func (a *App) gauges() {
	count := func(read func() (int, error)) func() float64 {
		return func() float64 {
			n, err := read()
			if err != nil {
				a.log.Warn("metrics cannot be read", "error", err)
			}
			return float64(n)
		}
	}
	a.telemetry.Gauge("sangam_queue_jobs", "Posts and mails that are not delivered to everybody yet.", count(func() (int, error) {
		jobs, err := a.Store.Jobs()
		return len(jobs), err
	}))
	a.telemetry.Gauge("sangam_queue_oldest_seconds", "Age of the oldest post or mail that is not delivered to everybody yet.", count(func() (int, error) {
		jobs, err := a.Store.Jobs()
		if len(jobs) == 0 {
			return 0, err
		}
		return int(a.Now().Sub(jobs[0].Created).Seconds()), nil // they come oldest first
	}))
	a.telemetry.Gauge("sangam_held_posts", "Posts that wait for a moderator.", count(func() (int, error) {
		held, err := a.Store.HeldPosts(0)
		return len(held), err
	}))
	a.telemetry.Gauge("sangam_certificate_end_seconds", "When the first certificate ends, in seconds since 1970; 0: none, or one is missing.", a.certificateEnd)
	a.telemetry.Gauge("sangam_store_bytes", "Size of the store's file.", count(func() (int, error) {
		info, err := os.Stat(a.Config.Store())
		if err != nil {
			return 0, err
		}
		return int(info.Size()), nil
	}))
}

// Listen opens every listener. When one fails none stays open.
func (a *App) Listen() (err error) {
	defer func() {
		if err != nil {
			a.closeListeners()
		}
	}()
	for _, s := range a.services {
		if err := s.listen(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if a.Options.Control != nil {
		if a.control, err = control.Listen(a.Config.Socket()); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) closeListeners() {
	for _, s := range a.services {
		s.close()
	}
	if a.control != nil {
		a.control.Close()
	}
}

// Addr is where the first listener of a service listens: smtp, lmtp, imap, imaps, http, https, metrics. Empty when it has none.
func (a *App) Addr(service string) string {
	for _, s := range a.services {
		if s.name == service && len(s.listeners) > 0 {
			return s.listeners[0].Addr().String()
		}
	}
	return ""
}

// Listening describes every listener on one line.
func (a *App) Listening() string {
	var all []string
	for _, s := range a.services {
		for _, l := range s.listeners {
			all = append(all, s.name+" "+l.Addr().String())
		}
	}
	return strings.Join(all, ", ")
}

// Run serves until the context ends or a part fails, then drains: listeners close at once, sessions get Drain to end, what
// is not delivered stays in the queue.
func (a *App) Run(ctx context.Context) error {
	group, failed := errgroup.WithContext(ctx)
	for _, s := range a.services {
		for _, l := range s.listeners {
			group.Go(func() error { return s.serve(l) })
		}
	}
	for _, f := range a.followers {
		group.Go(func() error { return f.Run(failed) })
	}
	commands, stopCommands := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommands()
	if a.control != nil {
		group.Go(func() error { return control.Serve(commands, a.control, a.Options.Control) })
	}
	a.telemetry.SetUp(true)
	<-failed.Done()
	a.telemetry.SetUp(false)
	a.log.Info("draining", "at_most", Drain)
	err := errors.Join(a.drain(stopCommands), group.Wait(), a.Parts.Search.Close())
	a.log.Info("stopped")
	return err
}

// drain ends every service at the same time.
func (a *App) drain(stopCommands func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), Drain)
	defer cancel()
	if a.control != nil {
		a.control.Close()
		defer context.AfterFunc(ctx, stopCommands)()
	}
	var group errgroup.Group
	for _, s := range a.services {
		group.Go(func() error {
			if err := s.shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("stop %s: %w", s.name, err)
			} else if err != nil {
				a.log.Warn("sessions were cut off", "service", s.name, "after", Drain)
			}
			return nil
		})
	}
	return group.Wait()
}
