package imapd

import (
	"crypto/tls"
	"encoding/base64"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"wesouthasians.org/sangam/archive/imapd/wire"
	"wesouthasians.org/sangam/store"
)

// Capabilities at any time, and after login. LITERAL+ is not among them: a client would send a message of any size before it hears that it
// is refused.
const (
	first      = "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ENABLE IDLE ID"
	afterLogin = " UNSELECT NAMESPACE UIDPLUS ESEARCH SEARCHRES LIST-EXTENDED LIST-STATUS MOVE STATUS=SIZE BINARY CHILDREN SPECIAL-USE UTF8=ACCEPT"
)

func (x *session) capabilities() string {
	switch {
	case x.loggedIn:
		return first + afterLogin
	case !x.mayLogIn():
		return first + x.startable() + " LOGINDISABLED"
	}
	return first + x.startable() + " AUTH=PLAIN AUTH=ANONYMOUS"
}

func (x *session) startable() string {
	if x.secure || x.server.TLSConfig == nil {
		return ""
	}
	return " STARTTLS"
}

func (x *session) capabilityCode() imap.ResponseCode {
	return imap.ResponseCode("CAPABILITY " + x.capabilities())
}

// mayLogIn: no password in clear over a network.
func (x *session) mayLogIn() bool {
	return x.secure || x.remote.IsLoopback() || x.raw.RemoteAddr().Network() == "unix"
}

func (x *session) capability(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	x.out.Raw("* CAPABILITY ", x.capabilities(), "\r\n")
	return "", nil
}

func (x *session) noop(c *wire.Command) (string, error) { return "", c.End() }

func (x *session) logout(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	x.over, x.view = true, nil
	x.out.Status("*", imap.StatusResponseTypeBye, "", "Come again")
	return "", nil
}

// id tells the client who we are (RFC 2971); what it says of itself is not kept.
func (x *session) id(c *wire.Command) (string, error) {
	c.SP()
	if c.Err() == nil {
		c.Rest()
	}
	if err := c.End(); err != nil {
		return "", err
	}
	x.out.Raw(`* ID ("name" "Sangam")`, "\r\n")
	return "", nil
}

// startTLS (RFC 9051 section 6.2.1). What was sent in clear behind it is forgotten.
func (x *session) startTLS(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	if x.startable() == "" {
		return "", bad("TLS is not offered, or there already")
	}
	x.out.Status(c.Tag, imap.StatusResponseTypeOK, "", "Begin TLS now")
	if err := x.out.Flush(); err != nil {
		return "", err
	}
	secure := tls.Server(steady{x.raw}, x.server.TLSConfig)
	x.in.Reset(secure)
	x.out.Reset(secure)
	x.secure = true
	return silent, secure.HandshakeContext(x.ctx)
}

// silent is returned by a command that has written its tagged answer.
const silent = "\x00"

const anonymous = "anonymous"

func (x *session) login(c *wire.Command) (string, error) {
	c.SP()
	name := c.AString()
	c.SP()
	password := c.AString()
	if err := c.End(); err != nil {
		return "", err
	}
	return x.enter(name, password)
}

// enter by address and password. The name anonymous reads public lists, with any password.
func (x *session) enter(name, password string) (string, error) {
	if !x.mayLogIn() {
		return "", no(imap.ResponseCodePrivacyRequired, "Passwords are taken over TLS only")
	}
	if strings.EqualFold(name, anonymous) {
		x.loggedIn, x.visitor = true, map[uint64]store.Flags{}
		return "[" + string(x.capabilityCode()) + "] You read public lists", nil
	}
	acc, err := x.server.Login.Check(x.ctx, x.remote, name, password)
	if err != nil {
		return "", no(imap.ResponseCodeAuthenticationFailed, "Wrong address or password")
	}
	if err := x.server.entered(acc.Address); err != nil {
		return "", err
	}
	x.loggedIn, x.account = true, acc.Address
	return "[" + string(x.capabilityCode()) + "] Logged in", nil
}

// authenticate (RFC 9051 section 6.2.2) by PLAIN or ANONYMOUS.
func (x *session) authenticate(c *wire.Command) (string, error) {
	c.SP()
	mechanism := strings.ToUpper(c.Atom())
	response, given := "", c.Accept(' ')
	if given {
		response = c.Atom()
	}
	if err := c.End(); err != nil {
		return "", err
	}
	var done string
	var refusal error
	enter := func(name, password string) error {
		done, refusal = x.enter(name, password)
		return refusal
	}
	var server sasl.Server
	switch mechanism {
	case "PLAIN":
		server = sasl.NewPlainServer(func(identity, name, password string) error {
			if identity != "" && identity != name {
				refusal = no(imap.ResponseCodeAuthorizationFailed, "You can log in as yourself only")
				return refusal
			}
			return enter(name, password)
		})
	case "ANONYMOUS":
		server = sasl.NewAnonymousServer(func(string) error { return enter(anonymous, "") })
	default:
		return "", no("", "Use AUTHENTICATE PLAIN or ANONYMOUS")
	}
	if !x.mayLogIn() {
		return "", no(imap.ResponseCodePrivacyRequired, "Passwords are taken over TLS only")
	}
	if !given {
		x.out.Raw("+ \r\n")
		if err := x.out.Flush(); err != nil {
			return "", err
		}
		if err := x.await(); err != nil {
			return "", err
		}
		line, err := x.in.Line()
		if err != nil {
			return "", err
		}
		response = strings.TrimSpace(string(line))
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(response, "="))
	switch {
	case response == "*":
		return "", bad("The login was given up")
	case err != nil:
		return "", bad("The response is not in base64")
	}
	if _, _, err = server.Next(b); refusal != nil {
		return "", refusal
	} else if err != nil {
		return "", bad("The response is not what this mechanism asks for")
	}
	return done, nil
}

func (x *session) enable(c *wire.Command) (string, error) {
	var names []string
	for c.Accept(' ') {
		names = append(names, c.Word())
	}
	if len(names) == 0 {
		c.Fail("ENABLE must name a capability")
	}
	if err := c.End(); err != nil {
		return "", err
	}
	x.out.Raw("* ENABLED")
	for _, name := range names {
		switch name {
		case "IMAP4REV2":
			x.rev2, x.out.UTF8 = true, true
			x.out.Raw(" IMAP4rev2")
		case "UTF8=ACCEPT":
			x.out.UTF8 = true
			x.out.Raw(" UTF8=ACCEPT")
		}
	}
	x.out.Raw("\r\n")
	return "", nil
}

// namespace: one, and personal (RFC 2342).
func (x *session) namespace(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	x.out.Raw(`* NAMESPACE (("" "/")) NIL NIL`, "\r\n")
	return "", nil
}
