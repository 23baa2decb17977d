// Package lists knows the addresses of a list, both ways, and who may do what.
package lists

import (
	"wesouthasians.org/sangam/store"
)

// Addresses makes and reads the addresses and tokens of a site.
type Addresses struct{}

func NewAddresses(st *store.Store) *Addresses { panic("outline") }

// Kind of address: interface section 4.
type Kind int

const (
	KindPost Kind = iota + 1
	KindOwner
	KindLeave  // with a token: the member's unsubscribe token
	KindBounce // with a token: VERP
	KindSite   // postmaster, abuse
)

// Route is where an address leads.
type Route struct {
	Kind   Kind
	List   store.List // zero for KindSite
	Token  string
	Member uint64 // verified member ID of a VERP or unsubscribe token
}

// VERP is the return path of a member's copy: LIST-bounces+TOKEN@DOMAIN.
func (a *Addresses) VERP(l store.List, member uint64) string { panic("outline") }

// UnsubscribeToken is long-lived: bound to member and list by a MAC, works for years, in URL and local part alike.
func (a *Addresses) UnsubscribeToken(member uint64) string { panic("outline") }

// ReadUnsubscribe checks the MAC in constant time.
func (a *Addresses) ReadUnsubscribe(token string) (member uint64, ok bool) { panic("outline") }

// MayRead says whether an account (empty: a stranger) may read the archive of a list. IMAP and web use the copy in package archive's
// callers' interface: archive/imapd and archive/web are left of lists, so the rule itself is store.List.Readable.
