// Package lists knows the addresses of a list, both ways: which address leads where, and the return paths and
// unsubscribe tokens that only this site can make. Its subfolders take posts (intake, post), moderate them and keep
// memberships.
package lists

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"wesouthasians.org/sangam/store"
)

// Kind of address.
type Kind int

// Kinds of addresses.
const (
	KindPost    Kind = iota + 1
	KindOwner        // NAME-owner@ and owner-NAME@
	KindLeave        // NAME-leave+TOKEN@: the mail form of one-click unsubscribe
	KindBounce       // NAME-bounces+VERP@: return path of a member's copy; NAME-bounces@: of nobody's
	KindSite         // postmaster@ and abuse@
	KindCommand      // NAME-request@, listserv@, and those that are a command themselves, such as NAME-join@
	KindConfirm      // NAME-confirm+TOKEN@
)

// Route is where an address leads.
type Route struct {
	Kind   Kind
	List   store.List // zero for the site
	Member uint64     // whom a leave or bounce address is about, verified by its MAC; 0: nobody
	Line   string     // the command that the address itself is; empty: they are in the mail
	Token  string     // of KindConfirm, not verified
}

// ErrUnknown: the address leads nowhere.
var ErrUnknown = errors.New("no such address")

// Addresses reads and makes the addresses of a site.
type Addresses struct {
	store   *store.Store
	domains []string
	tokens
}

// NewAddresses serves the lists of a store; domains are those whose postmaster@ and abuse@ are answered, the first is
// the default.
func NewAddresses(st *store.Store, domains []string) *Addresses {
	return &Addresses{store: st, domains: domains, tokens: newTokens(st)}
}

// Resolve reads a recipient as given in RCPT. ErrUnknown, or an error of the store.
func (a *Addresses) Resolve(to string) (Route, error) {
	if strings.EqualFold(to, "postmaster") { // RFC 5321 section 4.1.1.3
		return Route{Kind: KindSite}, nil
	}
	address, err := store.ParseAddress(to)
	if err != nil {
		return Route{}, ErrUnknown
	}
	local, domain := address.Local(), address.Domain()
	if (local == "postmaster" || local == "abuse") && slices.Contains(a.domains, domain) {
		return Route{Kind: KindSite}, nil
	}
	if l, err := a.list(local, domain); !errors.Is(err, ErrUnknown) {
		return Route{Kind: KindPost, List: l}, err
	}
	if name, ok := strings.CutPrefix(local, "owner-"); ok {
		if l, err := a.list(name, domain); !errors.Is(err, ErrUnknown) {
			return Route{Kind: KindOwner, List: l}, err
		}
	}
	if slices.Contains(a.domains, domain) {
		if local == "listserv" || local == "sangam" || local == "sangam-confirm" {
			return Route{Kind: KindCommand}, nil
		}
		if m := siteConfirm.FindStringSubmatch(local); m != nil {
			return Route{Kind: KindConfirm, Token: m[1]}, nil
		}
	}
	return a.suffixed(local, domain)
}

var siteConfirm = regexp.MustCompile(`^sangam-confirm[-+]([a-z2-7]+)$`)

// suffixed tries every place where a suffix can begin, the longest name first, for names may have hyphens too.
func (a *Addresses) suffixed(local, domain string) (Route, error) {
	for at := len(local) - 1; at > 0; at-- {
		if local[at] != '-' && local[at] != '+' {
			continue
		}
		r, ok := a.suffix(local[at+1:])
		if !ok {
			continue
		}
		l, err := a.list(local[:at], domain)
		if errors.Is(err, ErrUnknown) {
			continue
		}
		r.List = l
		if r.Line != "" { // %s is where the list stands
			r.Line = strings.Replace(r.Line, "%s", string(l.Address()), 1)
		}
		return r, err
	}
	return Route{}, ErrUnknown
}

// commandSuffixes are commands in the form of an address.
var commandSuffixes = map[string]string{"request": "", "join": "SUBSCRIBE %s", "subscribe": "SUBSCRIBE %s", "leave": "UNSUBSCRIBE %s",
	"unsubscribe": "UNSUBSCRIBE %s", "help": "HELP", "info": "INFO %s", "index": "INDEX %s", "confirm": ""}

var (
	joinMode    = regexp.MustCompile(`^(?:join|subscribe)[-+](each|digest|digest-text|index|none)$`)
	archived    = regexp.MustCompile(`^(get|thread)[-+]([0-9]{1,9})$`)
	tokenSuffix = regexp.MustCompile(`^(leave|unsubscribe|bounces|confirm)[-+]([a-z2-7]+)$`)
)

func (a *Addresses) suffix(s string) (Route, bool) {
	switch s {
	case "owner":
		return Route{Kind: KindOwner}, true
	case "bounces": // the Sender of copies: who answers it instead of the return path is nobody's failure
		return Route{Kind: KindBounce}, true
	}
	if line, ok := commandSuffixes[s]; ok {
		return Route{Kind: KindCommand, Line: line}, true
	}
	if m := joinMode.FindStringSubmatch(s); m != nil {
		return Route{Kind: KindCommand, Line: "SUBSCRIBE %s WITH " + m[1]}, true
	}
	if m := archived.FindStringSubmatch(s); m != nil {
		line := "GET %s " + m[2]
		if m[1] == "thread" {
			line = "GET %s THREAD " + m[2]
		}
		return Route{Kind: KindCommand, Line: line}, true
	}
	m := tokenSuffix.FindStringSubmatch(s)
	if m == nil {
		return Route{}, false
	}
	switch m[1] {
	case "confirm":
		return Route{Kind: KindConfirm, Token: m[2]}, true
	case "bounces":
		id, ok := a.verp.read(m[2])
		return Route{Kind: KindBounce, Member: id}, ok
	}
	id, ok := a.ReadUnsubscribe(m[2])
	return Route{Kind: KindLeave, Member: id}, ok
}

func (a *Addresses) list(name, domain string) (store.List, error) {
	l, err := a.store.List(store.Address(name + "@" + domain))
	if errors.Is(err, store.ErrNotFound) {
		err = ErrUnknown
	}
	return l, err
}

// VERP is the return path of a member's copy (variable envelope return path).
func (a *Addresses) VERP(l store.List, member uint64) string {
	return l.Name + "-bounces+" + a.verp.make(member) + "@" + l.Domain
}

// Leave is the address whose mail ends a membership: the mail form of List-Unsubscribe (RFC 2369).
func (a *Addresses) Leave(l store.List, member uint64) string {
	return l.Name + "-leave+" + a.UnsubscribeToken(member) + "@" + l.Domain
}

// Confirm is the address whose mail confirms what a token stands for.
func (a *Addresses) Confirm(l store.List, token string) string {
	if l.Name == "" {
		return "sangam-confirm+" + token + "@" + a.domains[0]
	}
	return l.Name + "-confirm+" + token + "@" + l.Domain
}
