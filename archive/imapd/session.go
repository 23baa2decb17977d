package imapd

import (
	"context"
	"net/netip"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-sasl"

	"wesouthasians.org/sangam/store"
)

// session is one client's. imapserver calls it from one goroutine at a time.
type session struct {
	server *Server
	conn   *imapserver.Conn
	remote netip.Addr
	ctx    context.Context
	cancel context.CancelFunc

	account store.Address          // empty: anonymous
	visitor map[uint64]store.Flags // flags of an anonymous session, by list
	view    *view                  // the mailbox that is selected
}

var _ imapserver.SessionIMAP4rev2 = (*session)(nil)
var _ imapserver.SessionSASL = (*session)(nil)

// Close is called once, at the end of the connection.
func (x *session) Close() error {
	x.cancel()
	x.server.left(x)
	return nil
}

const anonymous = "anonymous"

// Login by address and password. The name anonymous reads public lists, with any password.
func (x *session) Login(name, password string) error {
	if name == anonymous {
		x.visitor = map[uint64]store.Flags{}
		return nil
	}
	acc, err := x.server.Login.Check(x.ctx, x.remote, name, password)
	if err != nil {
		return imapserver.ErrAuthFailed
	}
	if err := x.server.entered(x, acc.Address); err != nil {
		return err
	}
	x.account = acc.Address
	return nil
}

func (x *session) AuthenticateMechanisms() []string { return []string{"PLAIN", "ANONYMOUS"} }

func (x *session) Authenticate(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(identity, name, password string) error {
			if identity != "" && identity != name {
				return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAuthorizationFailed, Text: "You can log in as yourself only"}
			}
			return x.Login(name, password)
		}), nil
	case "ANONYMOUS":
		return sasl.NewAnonymousServer(func(string) error { return x.Login(anonymous, "") }), nil
	}
	return nil, no("", "Use AUTHENTICATE PLAIN or ANONYMOUS")
}

// Namespace: one personal namespace, RFC 2342.
func (x *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Prefix: "", Delim: delimiter}}}, nil
}

func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

// unchangeable answers what would change the archive.
func unchangeable() error {
	return no(imap.ResponseCodeCannot, "The archive of a list cannot be changed: post by mail to the list's address")
}

func (x *session) Create(string, *imap.CreateOptions) error {
	return no(imap.ResponseCodeCannot, "Mailboxes are the lists of this site: none can be made here")
}

func (x *session) Delete(string) error {
	return no(imap.ResponseCodeCannot, "Mailboxes are the lists of this site: to leave a list write to its -leave address")
}

func (x *session) Rename(string, string, *imap.RenameOptions) error {
	return no(imap.ResponseCodeCannot, "Mailboxes are the lists of this site: they cannot be renamed here")
}

func (x *session) Append(string, imap.LiteralReader, *imap.AppendOptions) (*imap.AppendData, error) {
	return nil, unchangeable()
}

// Expunge is also what CLOSE calls, which must not fail: no message has \Deleted, so none goes.
func (x *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error { return nil }

func (x *session) Copy(imap.NumSet, string) (*imap.CopyData, error) {
	return nil, no(imap.ResponseCodeCannot, "Posts cannot be copied to a list: post by mail to the list's address")
}
