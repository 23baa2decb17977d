package imapd

import (
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

// state of a session, RFC 9051 section 3.
type state int

const (
	stranger state = 1 << iota
	reader         // logged in, with no mailbox selected
	selected
	always = stranger | reader | selected
	inside = reader | selected
)

func (x *session) state() state {
	switch {
	case !x.loggedIn:
		return stranger
	case x.view == nil:
		return reader
	}
	return selected
}

// command is one that clients may give. run reads the arguments to their end, then acts; what it returns is written behind OK, with a
// response code or not, and empty stands for "NAME completed".
type command struct {
	when state
	run  func(*session, *wire.Command) (string, error)
}

var commands map[string]command

func init() {
	commands = map[string]command{
		"CAPABILITY": {always, (*session).capability}, "NOOP": {always, (*session).noop}, "LOGOUT": {always, (*session).logout}, "ID": {always, (*session).id},
		"STARTTLS": {stranger, (*session).startTLS}, "LOGIN": {stranger, (*session).login}, "AUTHENTICATE": {stranger, (*session).authenticate},
		"ENABLE": {inside, (*session).enable}, "NAMESPACE": {inside, (*session).namespace}, "IDLE": {inside, (*session).idle},
		"LIST": {inside, (*session).list}, "LSUB": {inside, (*session).lsub}, "STATUS": {inside, (*session).statusCommand},
		"SUBSCRIBE": {inside, (*session).subscribe}, "UNSUBSCRIBE": {inside, (*session).unsubscribe},
		"SELECT": {inside, (*session).selectMailbox}, "EXAMINE": {inside, (*session).selectMailbox},
		"CREATE": {inside, refuseNames(1, "none can be made here")}, "DELETE": {inside, refuseNames(1, "to leave a list write to its -leave address")},
		"RENAME": {inside, refuseNames(2, "they cannot be renamed here")}, "APPEND": {inside, (*session).append},
		"CHECK": {selected, (*session).noop}, "CLOSE": {selected, (*session).unselect}, "UNSELECT": {selected, (*session).unselect},
		"EXPUNGE": {selected, (*session).expunge}, "UID EXPUNGE": {selected, (*session).expunge},
		"FETCH": {selected, (*session).fetch}, "UID FETCH": {selected, (*session).fetch},
		"STORE": {selected, (*session).store}, "UID STORE": {selected, (*session).store},
		"SEARCH": {selected, (*session).search}, "UID SEARCH": {selected, (*session).search},
		"COPY": {selected, (*session).copy}, "UID COPY": {selected, (*session).copy},
		"MOVE": {selected, (*session).move}, "UID MOVE": {selected, (*session).move},
	}
}

// answer runs a command, or tells why its bytes are none. An error is of the connection.
func (x *session) answer(c *wire.Command, err error) error {
	done := ""
	if err == nil {
		done, err = x.run(c)
	}
	var refusal *imap.Error
	switch {
	case err == nil && done == silent:
	case err == nil && done == "":
		x.out.Status(c.Tag, imap.StatusResponseTypeOK, "", c.Name+" completed")
	case err == nil:
		x.out.Status(c.Tag, imap.StatusResponseTypeOK, "", done)
	case errors.As(err, &refusal):
		if refusal.Type == imap.StatusResponseTypeBad {
			x.bad++
		}
		x.out.Status(c.Tag, refusal.Type, refusal.Code, refusal.Text)
	default:
		return err
	}
	return nil
}

func (x *session) run(c *wire.Command) (done string, err error) {
	cmd, ok := commands[c.Name]
	switch {
	case !ok:
		return "", bad("There is no such command")
	case cmd.when&x.state() == 0:
		return "", bad(wrongState(cmd.when))
	}
	if err := x.mayReadOn(); err != nil {
		return "", err
	}
	if done, err = cmd.run(x, c); err != nil {
		return "", err
	}
	switch c.Name {
	case "FETCH", "STORE", "SEARCH": // the client counts on its sequence numbers, RFC 9051 section 7.5.1
		return done, x.poll(false)
	}
	return done, x.poll(true)
}

func wrongState(when state) string {
	switch when {
	case stranger:
		return "You are logged in already"
	case selected:
		return "Select a mailbox first"
	}
	return "Log in first"
}

func bad(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Code: imap.ResponseCodeClientBug, Text: text}
}

func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

// refuseNames answers commands that would change which mailboxes there are.
func refuseNames(names int, why string) func(*session, *wire.Command) (string, error) {
	return func(_ *session, c *wire.Command) (string, error) {
		for range names {
			c.SP()
			c.AString()
		}
		if c.Err() == nil {
			c.Rest() // a special use may follow
		}
		if err := c.End(); err != nil {
			return "", err
		}
		return "", no(imap.ResponseCodeCannot, fmt.Sprintf("Mailboxes are the lists of this site: %s", why))
	}
}

// unchangeable answers what would change the archive.
func unchangeable() error {
	return no(imap.ResponseCodeCannot, "The archive of a list cannot be changed: post by mail to the list's address")
}

// append takes the message, which the reader of commands has thrown away, and refuses it.
func (x *session) append(c *wire.Command) (string, error) {
	c.SP()
	c.AString()
	c.SP()
	if c.Err() == nil {
		c.Rest()
	}
	if err := c.End(); err != nil {
		return "", err
	}
	return "", unchangeable()
}

func (x *session) expunge(c *wire.Command) (string, error) {
	if c.Name == "UID EXPUNGE" {
		c.SP()
		c.UIDSet()
	}
	if err := c.End(); err != nil {
		return "", err
	}
	return "", unchangeable()
}
