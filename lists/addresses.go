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
	KindPost   Kind = iota + 1
	KindOwner       // NAME-owner@ and owner-NAME@
	KindLeave       // NAME-leave+TOKEN@: the mail form of one-click unsubscribe
	KindBounce      // NAME-bounces+VERP@: return path of a member's copy
	KindSite        // postmaster@ and abuse@
)

// Route is where an address leads.
type Route struct {
	Kind   Kind
	List   store.List // zero for KindSite
	Member uint64     // whom a leave or bounce address is about, verified by its MAC
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

// with a suffix, either separator serves: NAME-owner@, NAME+owner@.
var suffixed = regexp.MustCompile(`^(.+)[-+](owner|leave|unsubscribe|bounces)(?:[-+]([a-z2-7]+))?$`)

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
	m := suffixed.FindStringSubmatch(local)
	if m == nil {
		return Route{}, ErrUnknown
	}
	l, err := a.list(m[1], domain)
	if err != nil {
		return Route{}, err
	}
	return a.suffix(l, m[2], m[3])
}

func (a *Addresses) suffix(l store.List, word, token string) (Route, error) {
	switch {
	case word == "owner" && token == "":
		return Route{Kind: KindOwner, List: l}, nil
	case word == "leave" || word == "unsubscribe":
		if id, ok := a.ReadUnsubscribe(token); ok {
			return Route{KindLeave, l, id}, nil
		}
	case word == "bounces":
		if id, ok := a.verp.read(token); ok {
			return Route{KindBounce, l, id}, nil
		}
	}
	return Route{}, ErrUnknown
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
