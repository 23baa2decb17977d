package smtpd

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/store"
)

// session is one client's, from its greeting on.
type session struct {
	server       *Server
	smtp         *smtp.Conn
	conn         *conn
	envelope     intake.Envelope
	to           []string
	utf8         bool
	unknown      int
	greetingSeen bool   // its greeting was looked at
	asked        bool   // the blocklists, about the client
	listed       string // on this one
}

// NewSession is called by go-smtp at EHLO, and again after STARTTLS.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	nc := c.Conn()
	_, secure := nc.(*tls.Conn)
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	own, ok := nc.(*conn)
	if !ok {
		return nil, errors.New("connection from another listener")
	}
	return &session{server: s, smtp: c, conn: own, envelope: intake.Envelope{
		Remote: own.remote, TLS: secure, Trusted: own.trusted, LMTP: s.LMTP,
	}}, nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if !s.conn.trusted && !s.server.clients.message(s.conn.remote.Addr(), time.Now()) {
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "too many messages from your address: try again in a minute"}
	}
	if o != nil && o.Size > s.server.MaxMessageSize {
		return tooLarge(s.server.MaxMessageSize)
	}
	s.utf8 = o != nil && o.UTF8
	s.envelope.ID = rand.Text()[:12]
	s.envelope.Helo = s.smtp.Hostname()
	s.envelope.Sender = from
	if !s.conn.trusted && !s.greetingSeen && !fullName(s.envelope.Helo) { // much mail of good will comes from such hosts: it is not refused
		s.server.Log.Info("odd greeting", "id", s.envelope.ID, "remote", s.envelope.Remote, "helo", token(s.envelope.Helo))
	}
	s.greetingSeen = true
	s.conn.setTransaction(true)
	return nil
}

func tooLarge(limit int64) error {
	return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4},
		Message: fmt.Sprintf("the message is larger than the %s allowed: send a link instead of large attachments", store.FormatSize(limit))}
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.conn.trusted && !s.server.clients.recipient(s.conn.remote.Addr(), time.Now()) {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "too many recipients from your address: try again in a minute"}
	}
	if err := s.server.Handler.Recipient(context.Background(), s.envelope, to); err != nil {
		if s.unknown++; s.unknown >= s.server.clients.UnknownRecipients && !s.conn.trusted {
			s.conn.setTransaction(false)
			s.conn.drain("4.7.0 too many unknown recipients: check your list of addresses")
		}
		return s.answer(err)
	}
	if err := s.stranger(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// stranger asks what is asked of clients that are not of our own networks. Whom one writes to about that is exempt.
func (s *session) stranger(to string) error {
	local, _, _ := strings.Cut(strings.ToLower(to), "@")
	if s.conn.trusted || local == "postmaster" || local == "abuse" {
		return nil
	}
	if !s.asked {
		s.asked, s.listed = true, s.server.listed(context.Background(), s.conn.remote.Addr())
	}
	if zone := s.listed; zone != "" {
		s.server.Log.Info("rejected", "id", s.envelope.ID, "remote", s.envelope.Remote, "sender", s.envelope.Sender, "reason", "on the blocklist "+zone)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1},
			Message: fmt.Sprintf("%s is on the blocklist %s: see there, or write to postmaster here", s.conn.remote.Addr(), zone)}
	}
	if s.server.Greylist && s.envelope.Sender != "" && !s.server.grey.pass(s.conn.remote.Addr(), s.envelope.Sender, to, time.Now()) {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "this server does not know yours yet: try again in five minutes"}
	}
	return nil
}

// answer renders an error for the remote, and logs the cause that is not for its eyes.
func (s *session) answer(err error) error {
	var r *store.Refusal
	if !errors.As(err, &r) {
		r = &store.Refusal{Code: 451, Enhanced: [3]int{4, 3, 0}, Public: "the message cannot be taken now: try again later", Cause: err}
	}
	if r.Cause != nil {
		s.server.Log.Error("message not taken", "id", s.envelope.ID, "remote", s.envelope.Remote, "answer", r.Public, "cause", r.Cause)
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.EnhancedCode(r.Enhanced), Message: r.Public}
}

// Data reads a message that came by DATA or BDAT and answers for all recipients.
func (s *session) Data(r io.Reader) error {
	results, err := s.receive(r)
	if err == nil {
		err = intake.Combine(results)
	}
	if err != nil {
		return s.refused(err)
	}
	return s.accepted()
}

func (s *session) accepted() error {
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "accepted as " + s.envelope.ID}
}

func (s *session) refused(err error) error {
	var own *smtp.SMTPError
	if errors.As(err, &own) {
		return own
	}
	return s.answer(err)
}

// LMTPData answers for each recipient.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	results, err := s.receive(r)
	for i, to := range s.to {
		switch {
		case err != nil:
			status.SetStatus(to, s.refused(err))
		case results[i] != nil:
			status.SetStatus(to, s.refused(results[i]))
		default:
			status.SetStatus(to, s.accepted())
		}
	}
	return nil
}

// receive returns one result a recipient, or an error that is the answer to all.
func (s *session) receive(r io.Reader) ([]error, error) {
	_, chunks := r.(*io.PipeReader)
	s.conn.setData(true, !chunks && !s.envelope.TLS) // until Reset: go-smtp may still have to skip what was not read
	body, release, err := s.read(r)
	defer release()
	if err != nil {
		return nil, err
	}
	if err := hygiene(body); err != nil {
		return nil, err
	}
	raw := archive.CRLF(body)
	if v := s.server.Verifier; v != nil {
		if raw, s.envelope.Auth, err = v.Verify(context.Background(), s.envelope, raw); err != nil {
			s.server.Log.Warn("not verified", "id", s.envelope.ID, "remote", s.envelope.Remote, "sender", s.envelope.Sender, "cause", err)
			return nil, &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 3}, Message: "it cannot be checked now whether the message is of its author: try again later"}
		}
	}
	if err := s.scan(raw); err != nil {
		return nil, err
	}
	raw = append(s.received(time.Now()), raw...)
	return s.server.Handler.Deliver(context.Background(), s.envelope, s.to, raw), nil
}

// scan asks the scanner. What it finds suspicious waits for a moderator.
func (s *session) scan(raw []byte) error {
	if s.envelope.Suspicion = ""; s.server.Scanner == nil {
		return nil
	}
	var err error
	s.envelope.Suspicion, err = s.server.Scanner.Scan(context.Background(), s.envelope, s.to, raw)
	var r *store.Refusal
	switch {
	case errors.As(err, &r):
		s.server.Log.Info("rejected", "id", s.envelope.ID, "remote", s.envelope.Remote, "sender", s.envelope.Sender, "reason", "content check", "answer", r.Public)
		return err
	case err != nil:
		s.server.Log.Warn("content not checked", "id", s.envelope.ID, "cause", err)
		if s.server.DeferUnscanned {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "the content cannot be checked now: try again later"}
		}
	}
	return nil
}

// readStep is how much memory a message claims at a time.
const readStep = 256 << 10

// read takes the message into memory that all sessions share; release gives it back.
func (s *session) read(r io.Reader) (body []byte, release func(), err error) {
	held := int64(0)
	release = func() { s.server.memory.Release(held) }
	var b bytes.Buffer
	for {
		if !s.server.memory.TryAcquire(readStep) {
			io.Copy(io.Discard, r)
			return nil, release, &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "too many messages at once: try again later"}
		}
		held += readStep
		_, err := io.CopyN(&b, r, readStep)
		if errors.Is(err, io.EOF) {
			return b.Bytes(), release, nil
		}
		if errors.Is(err, smtp.ErrDataTooLarge) {
			return nil, release, tooLarge(s.server.MaxMessageSize)
		}
		if err != nil {
			return nil, release, fmt.Errorf("read message: %w", err)
		}
	}
}

// hygiene refuses what hosts on the way may read in different ways.
func hygiene(body []byte) error {
	refusal := func(what string) error {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "the message has " + what + ": send it from a mail program that follows the standard"}
	}
	if bytes.IndexByte(body, 0) >= 0 {
		return refusal("a NUL byte or a bare CR")
	}
	for rest := body; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			return nil
		}
		if i+1 >= len(rest) || rest[i+1] != '\n' {
			return refusal("a bare CR")
		}
		rest = rest[i+2:]
	}
}

func (s *session) Reset() {
	s.to = nil
	s.conn.setData(false, false)
	s.conn.setTransaction(false)
}

func (s *session) Logout() error { return nil }
