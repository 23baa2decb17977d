package imapd

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"wesouthasians.org/sangam/store"
)

// Store changes the account's own flags (RFC 9051 section 6.4.6).
func (x *session) Store(w *imapserver.FetchWriter, set imap.NumSet, f *imap.StoreFlags, _ *imap.StoreOptions) error {
	v := x.view
	switch {
	case v.readOnly:
		return no("", "The mailbox is open read-only: SELECT it to change flags")
	case v.kind == ofHeld:
		return no(imap.ResponseCodeCannot, "Held posts have no flags: move them to approve or reject")
	case slices.ContainsFunc(f.Flags, func(flag imap.Flag) bool { return strings.EqualFold(string(flag), string(imap.FlagDeleted)) }) && f.Op != imap.StoreFlagsDel:
		return no(imap.ResponseCodeCannot, "Posts cannot be deleted from the archive: ask the list's owner to remove one")
	}
	for _, flag := range f.Flags {
		if strings.HasPrefix(string(flag), `\`) && !slices.ContainsFunc(systemFlags, func(s imap.Flag) bool { return strings.EqualFold(string(s), string(flag)) }) &&
			f.Op != imap.StoreFlagsDel && !strings.EqualFold(string(flag), string(imap.FlagDraft)) {
			return no(imap.ResponseCodeCannot, "This flag cannot be set: use \\Seen, \\Answered, \\Flagged or a keyword")
		}
	}
	spans := v.resolve(set)
	ns := map[uint64][]uint64{}
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			list, number := v.place(v.uid(seq))
			ns[list] = append(ns[list], number)
		}
	}
	if err := x.changeFlags(v, ns, f); err != nil || f.Silent {
		return err
	}
	_, byUID := set.(imap.UIDSet)
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			uid := v.uid(seq)
			list, number := v.place(uid)
			flags, err := x.loadFlags(v, list)
			if err != nil {
				return err
			}
			r := w.CreateMessage(seq)
			if byUID {
				r.WriteUID(imap.UID(uid))
			}
			r.WriteFlags(flagsOf(flags, number))
			if err := r.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// canonical spelling of a flag as it is kept.
func canonical(flag imap.Flag) string {
	for _, s := range append(systemFlags, imap.FlagDraft) {
		if strings.EqualFold(string(s), string(flag)) {
			return string(s)
		}
	}
	return string(flag)
}

// changeFlags writes to the store, or to the session of an anonymous reader, and to what the client has been told.
func (x *session) changeFlags(v *view, ns map[uint64][]uint64, f *imap.StoreFlags) error {
	var names []string
	for _, flag := range f.Flags {
		names = append(names, canonical(flag))
	}
	var changes []store.FlagChange
	for list, numbers := range ns {
		c := store.FlagChange{List: list, Numbers: numbers}
		switch f.Op {
		case imap.StoreFlagsDel:
			c.Remove = names
		case imap.StoreFlagsSet:
			c.Add, c.Replace = names, true
		default:
			c.Add = names
		}
		changes = append(changes, c)
	}
	if x.account == "" {
		for _, c := range changes {
			x.visit(c)
		}
		return nil
	}
	// What other sessions changed before is told by the next Poll, for it compares with this view's copy.
	if err := x.server.Store.ChangeFlags(x.account, changes); err != nil {
		return no(imap.ResponseCodeLimit, "Flags were not changed: "+err.Error())
	}
	for _, c := range changes {
		have, err := x.loadFlags(v, c.List)
		if err != nil {
			return err
		}
		apply(have, c)
	}
	return nil
}

// maxVisitorFlags bounds what an anonymous session keeps.
const maxVisitorFlags = 20

func (x *session) visit(c store.FlagChange) {
	if x.visitor[c.List] == nil {
		x.visitor[c.List] = store.Flags{}
	}
	if len(x.visitor[c.List])+len(c.Add) <= maxVisitorFlags {
		apply(x.visitor[c.List], c)
	}
}

func apply(f store.Flags, c store.FlagChange) {
	for name, set := range f {
		if c.Replace || slices.ContainsFunc(c.Remove, func(r string) bool { return strings.EqualFold(r, name) }) {
			for _, n := range c.Numbers {
				set.Remove(n)
			}
		}
	}
	for _, name := range c.Add {
		for known := range f {
			if strings.EqualFold(known, name) {
				name = known
			}
		}
		set := f[name]
		for _, n := range c.Numbers {
			set.Add(n)
		}
		f[name] = set
	}
}

// Move decides about held posts: to the list approves, to Rejected rejects.
func (x *session) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	v := x.view
	if v.kind != ofHeld {
		return unchangeable()
	}
	m, err := x.open(dest)
	if err != nil || m.list.ID != v.list.ID || m.kind != ofList && m.kind != ofRejected {
		return no(imap.ResponseCodeTryCreate, "Move held posts to the list to approve them, or to its Rejected mailbox to reject them")
	}
	for _, s := range v.resolve(set) {
		var uids []uint32
		for seq := s.from; seq <= s.to; seq++ {
			uids = append(uids, v.uid(seq))
		}
		for _, uid := range uids {
			if m.kind == ofList {
				_, err = x.server.Moderator.Approve(x.ctx, uint64(uid))
			} else {
				err = x.server.Moderator.Reject(x.ctx, uint64(uid), "")
			}
			if err != nil {
				return x.failed(err)
			}
			if err := w.WriteExpunge(v.remove(uid)); err != nil {
				return err
			}
		}
	}
	return nil
}
