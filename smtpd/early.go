package smtpd

import (
	"errors"
	"net"
	"os"
	"time"
)

// greetDelay is how long a client must be silent before it is greeted.
const greetDelay = 2 * time.Second

// greet waits before the greeting for a client that speaks before its turn: no mail server does (RFC 5321 section 4.3.1).
func (c *conn) greet() error {
	if c.greeted {
		return nil
	}
	c.greeted = true
	if !c.server.EarlyTalkers || c.trusted || !c.early() {
		return nil
	}
	c.server.Log.Info("rejected", "remote", c.remote, "reason", "spoke before it was greeted")
	refuse(c.Conn, "554 5.5.1 you spoke before you were greeted: wait for the greeting\r\n")
	return net.ErrClosed
}

// early tells whether the client speaks, or goes away, before it is greeted. What it said is lost.
func (c *conn) early() bool {
	c.Conn.SetReadDeadline(time.Now().Add(greetDelay))
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	return n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
}
