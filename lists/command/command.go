// Package command does what members, owners and strangers ask by mail. One table has every command: its words, its help, who may use it
// and what it does. Intake gives it mail to command addresses; answers to requests for confirmation come by mail and from the web.
//
// Who is asking is never taken from From alone. What changes something waits for a confirmation mailed to the address it concerns, unless
// the message was verified. Answers go only to a From that is also the envelope sender, or verified.
package command

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// Options of New.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Office    *notice.Office
	Members   *member.Roll
	Desk      *moderate.Desk
	Search    Searcher
	Admins    []store.Address // may do what owners may
	WebURL    string
	Default   string // domain of lists that are named without theirs
	// Pace is how long a mail takes at least, so that its time does not tell who is a member.
	Pace time.Duration
	Now  func() time.Time
	Log  *slog.Logger
}

// Searcher finds posts of lists.
type Searcher interface {
	Search(context.Context, search.Request) (search.Result, error)
}

// Clerk does commands. It is safe for concurrent use.
type Clerk struct {
	Options
	files     *files.Gatherer
	redeeming sync.Mutex // a token acts once
}

// New returns a clerk.
func New(o Options) *Clerk { return &Clerk{Options: o, files: files.New(o.Store, o.WebURL, o.Log)} }

// even waits until the pace is kept.
func (c *Clerk) even(ctx context.Context, since time.Time) {
	select {
	case <-time.After(time.Until(since.Add(c.Pace))):
	case <-ctx.Done():
	}
}

// Mail is a message to a command address.
type Mail struct {
	Sender   store.Address // envelope sender
	Client   string        // who handed it over, for limits; empty: one of our own
	Raw      []byte
	Verified bool // the From address is known to be right
}

// person is somebody on whose behalf commands are done.
type person struct {
	address store.Address
	mailbox string // as it was written
	name    string
}

// act is one run over the commands of a mail.
type act struct {
	*Clerk
	who       person
	client    string     // of the mail
	confirmed bool       // who is known to be asking
	answered  bool       // a mail that went to who was answered
	invited   bool       // by the staff of the list
	quoted    string     // a token that the mail quotes, when its program answered to the wrong address
	lost      bool       // the mail had no command
	implied   store.List // of the address that the mail came to; zero: commands name theirs
	lang      string
	answers   []string
	attached  []notice.Attachment
	pending   []pending // changes that wait for a confirmation
}

// pending is a line that waits until the address it concerns confirms it.
type pending struct {
	who  person
	list store.List // zero: it concerns several lists, or none
	line string
}

func (c *Clerk) act(l store.List, who person) *act {
	return &act{Clerk: c, who: who, implied: l, lang: c.Office.Language(l, who.address)}
}

// say fills in one text in the language of who asked.
func (a *act) say(name string, v notice.Values) string {
	all := notice.ListValues(a.implied, a.Default)
	for k, x := range v {
		all[k] = x
	}
	return notice.Say(a.lang, name, all)
}

// sayOf is say about a list.
func (a *act) sayOf(l store.List, name string, v notice.Values) string {
	all := notice.ListValues(l, a.Default)
	all["member"] = string(a.who.address)
	for k, x := range v {
		all[k] = x
	}
	return notice.Say(a.lang, name, all)
}

// role of who asks on a list, as far as it may be told to them: empty for a stranger.
func (a *act) role(l store.List) store.Role {
	for _, admin := range a.Admins {
		if admin == a.who.address {
			return store.RoleOwner
		}
	}
	m, err := a.Store.Member(l.ID, a.who.address)
	if err != nil { // earlier addresses have no rights: they may belong to somebody else by now
		return ""
	}
	return m.Role
}
