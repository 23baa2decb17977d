package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"time"

	"wesouthasians.org/sangam/cmd/internal/acme"
	"wesouthasians.org/sangam/cmd/internal/config"
)

// CertificateState is how one certificate fares.
type CertificateState struct {
	Name    string    // that it is for, or its file
	Until   time.Time // its end; zero: there is none yet
	Trouble string    // what is wrong and what to do; empty: nothing
}

// openCertificates finds the source of certificates, if there is to be TLS.
func (a *App) openCertificates() (err error) {
	c := a.Config
	switch c.TLS.Mode {
	case "files":
		if a.certificate, err = newCertificate(c.TLS.Cert, c.TLS.Key, a.log); err != nil {
			return config.Problems{fmt.Sprintf("%s: tls.cert: %v", c.File, err)}
		}
		a.getCertificate = a.certificate.Get
	case "acme":
		if a.acme, err = acme.New(acme.Options{Folder: c.Certificates(), Email: c.TLS.ACMEEmail, Directory: c.TLS.ACMEDirectory, Names: c.Names(),
			HTTPPort: port(c.Web.Listen), TLSPort: port(c.Web.TLSListen), Log: a.log}); err != nil {
			return err
		}
		a.getCertificate = a.acme.Get
		a.followers = append(a.followers, a.acme)
	}
	return nil
}

// port of the first listener, 0 when there is none.
func port(at []string) int {
	if len(at) == 0 {
		return 0
	}
	_, port, _ := net.SplitHostPort(at[0])
	n, _ := strconv.Atoi(port)
	return n
}

// tls for servers: TLS 1.2 and later, with Go's choice of ciphers; nil without a certificate.
func (a *App) tls(protocols ...string) *tls.Config {
	if a.getCertificate == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: a.getCertificate, NextProtos: protocols}
}

// reloadCertificates reads files again, and asks the authority again for what it refused.
func (a *App) reloadCertificates() {
	if a.acme != nil {
		a.acme.Retry()
	}
	if a.certificate == nil {
		return
	}
	if err := a.certificate.Reload(); err != nil {
		a.log.Error("certificate not reloaded, the old one stays", "error", err)
	}
}

// Certificates tells how they fare; none without TLS.
func (a *App) Certificates() (states []CertificateState) {
	if a.certificate != nil {
		return a.certificate.states()
	}
	if a.acme == nil {
		return nil
	}
	for _, s := range a.acme.States() {
		state := CertificateState{Name: s.Name, Until: s.Until}
		switch {
		case s.Failed != nil:
			state.Trouble = fmt.Sprintf("no certificate was issued for %s, it is tried again: %v", s.Name, s.Failed)
		case s.Until.IsZero():
			state.Trouble = "there is no certificate for " + s.Name + " yet"
		}
		states = append(states, state)
	}
	return states
}

// troubles of certificates, a line each, for /readyz: they keep no mail away.
func (a *App) troubles() (lines []string) {
	for _, s := range a.Certificates() {
		if s.Trouble != "" {
			lines = append(lines, s.Trouble)
		}
	}
	return lines
}

// certificateEnd is when the first certificate ends, in seconds since 1970; 0 when there is none, or one is missing.
func (a *App) certificateEnd() float64 {
	end := 0.0
	for i, s := range a.Certificates() {
		if s.Until.IsZero() {
			return 0
		}
		if at := float64(s.Until.Unix()); i == 0 || at < end {
			end = at
		}
	}
	return end
}
