package smtpd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/smtpd"
	"wesouthasians.org/sangam/store"
)

// names is a DNS of addresses.
type names map[string]string

func (n names) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	if a := n[host]; a != "" {
		return []net.IPAddr{{IP: net.ParseIP(a)}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestBlocklists(t *testing.T) {
	for list, want := range map[string]string{"1.0.0.127.zen.example": "554 5.7.1 127.0.0.1 is on the blocklist zen.example", "1.0.0.127.error.example": "250", "": "250"} {
		answers := names{list: "127.0.0.2"}
		if strings.Contains(list, "error") {
			answers[list] = "127.255.255.254" // the list refuses to answer us
		}
		r := newRig(t, func(o *smtpd.Options) {
			o.Trusted, o.Resolver, o.Blocklists = nil, answers, []string{"zen.example", "error.example"}
		})
		c := r.hello()
		c.say("MAIL FROM:<asha@example.org>", "250")
		c.say("RCPT TO:<heplink@lists.example.org>", want)
		c.say("RCPT TO:<postmaster@lists.example.org>", "250")
	}
}

func TestGreylist(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) { o.Trusted, o.Greylist = nil, true })
	c := r.hello()
	c.say("MAIL FROM:<asha@example.org>", "250")
	c.say("RCPT TO:<heplink@lists.example.org>", "451 4.7.1")
	c.say("RCPT TO:<postmaster@lists.example.org>", "250")
	c.say("RSET", "250")
	c.say("MAIL FROM:<>", "250")
	c.say("RCPT TO:<heplink@lists.example.org>", "250")
	r = newRig(t, func(o *smtpd.Options) { o.Greylist = true })
	r.envelope("heplink@lists.example.org").say("x\r\n.", "250")
}

// script is a scanner.
type script func(raw string) (string, error)

func (s script) Scan(_ context.Context, _ intake.Envelope, _ []string, raw []byte) (string, error) {
	return s(string(raw))
}

func TestScanner(t *testing.T) {
	scan := script(func(raw string) (string, error) {
		switch {
		case strings.Contains(raw, "spam"):
			return "", &store.Refusal{Code: 550, Enhanced: [3]int{5, 7, 1}, Public: "looks like spam"}
		case strings.Contains(raw, "trouble"):
			return "", errors.New("secret trouble")
		case strings.Contains(raw, "odd"):
			return "score 7", nil
		}
		return "", nil
	})
	r := newRig(t, func(o *smtpd.Options) { o.Scanner = scan })
	r.envelope("heplink@l.org").say("Subject: spam\r\n.", "550 5.7.1 looks like spam")
	c := r.envelope("heplink@l.org")
	c.say("Subject: odd\r\n.", "250")
	for _, text := range []string{"well", "trouble"} {
		c.say("MAIL FROM:<a@x.org>", "250")
		c.say("RCPT TO:<heplink@l.org>", "250")
		c.say("DATA", "354")
		c.say("Subject: "+text+"\r\n.", "250")
	}
	var found []string
	for _, m := range r.got() {
		found = append(found, fmt.Sprintf("%q", m.e.Suspicion))
	}
	if got := strings.Join(found, " "); got != `"score 7" "" ""` {
		t.Errorf("suspicions are %s", got)
	}
	r = newRig(t, func(o *smtpd.Options) { o.Scanner, o.DeferUnscanned = scan, true })
	r.envelope("heplink@l.org").say("Subject: trouble\r\n.", "451 4.7.1")
}

// How a stranger greets is logged once and never refused.
func TestOddGreeting(t *testing.T) {
	for helo, odd := range map[string]int{"localhost": 1, "mail.example.org": 0, "[192.0.2.1]": 0, "a_b": 1} {
		var log bytes.Buffer
		r := newRig(t, func(o *smtpd.Options) { o.Trusted, o.Log = nil, slog.New(slog.NewTextHandler(&log, nil)) })
		c := r.dial()
		c.reply("220")
		c.say("EHLO "+helo, "250")
		for range 2 {
			c.say("MAIL FROM:<asha@example.org>", "250")
			c.say("RSET", "250")
		}
		c.say("QUIT", "221")
		if n := strings.Count(log.String(), "odd greeting"); n != odd {
			t.Errorf("%s: logged %d times, want %d", helo, n, odd)
		}
	}
}

func TestEarlyTalkers(t *testing.T) {
	r := newRig(t, func(o *smtpd.Options) { o.Trusted, o.EarlyTalkers = nil, true })
	c := r.dial()
	fmt.Fprint(c, "EHLO early\r\n")
	c.reply("554 5.5.1")
	r = newRig(t, func(o *smtpd.Options) { o.EarlyTalkers = true })
	c = r.dial()
	fmt.Fprint(c, "EHLO early\r\n")
	c.reply("220")
}
