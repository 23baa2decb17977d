package imapd

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive/imapd/wire"
	"wesouthasians.org/sangam/store"
)

// store changes the account's own flags (RFC 9051 section 6.4.6).
func (x *session) store(c *wire.Command) (string, error) {
	byUID := c.Name == "UID STORE"
	c.SP()
	set := c.NumSet(byUID)
	c.SP()
	f := flagChange(c)
	if err := c.End(); err != nil {
		return "", err
	}
	v := x.view
	if err := v.mayStore(f); err != nil {
		return "", err
	}
	spans := v.resolve(set)
	ns := map[uint64][]uint64{}
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			list, number := v.place(seq)
			ns[list] = append(ns[list], number)
		}
	}
	if err := x.changeFlags(v, ns, f); err != nil || f.Silent {
		return "", err
	}
	for _, s := range spans {
		for seq := s.from; seq <= s.to; seq++ {
			list, number := v.place(seq)
			flags, err := x.loadFlags(v, list)
			if err != nil {
				return "", err
			}
			x.tellFlags(seq, v.uid(seq), flagsOf(flags, number))
		}
	}
	return "", nil
}

func (x *session) tellFlags(seq, uid uint32, flags []imap.Flag) {
	x.out.Raw("* ").Number(int64(seq)).Raw(" FETCH (UID ").Number(int64(uid)).Raw(" FLAGS ").Flags(flags).Raw(")\r\n")
}

// flagChange reads +FLAGS.SILENT and the like, and the flags, which need no parentheses.
func flagChange(c *wire.Command) *imap.StoreFlags {
	f := &imap.StoreFlags{}
	name, silent := strings.CutSuffix(c.Word(), ".SILENT")
	f.Silent = silent
	switch name {
	case "+FLAGS":
		f.Op = imap.StoreFlagsAdd
	case "-FLAGS":
		f.Op = imap.StoreFlagsDel
	case "FLAGS":
		f.Op = imap.StoreFlagsSet
	default:
		c.Fail("Only FLAGS can be stored")
	}
	add := func() { f.Flags = append(f.Flags, c.Flag()) }
	if c.SP(); c.Next('(') {
		c.List(add)
		return f
	}
	for add(); c.Accept(' ') && !c.Next('\r'); {
		add()
	}
	return f
}

// mayStore says why flags cannot be changed.
func (v *view) mayStore(f *imap.StoreFlags) error {
	switch {
	case v.readOnly:
		return no("", "The mailbox is open read-only: SELECT it to change flags")
	case v.kind == ofHeld:
		return no(imap.ResponseCodeCannot, "Held posts have no flags: move them to approve or reject")
	case f.Op == imap.StoreFlagsDel:
		return nil
	}
	for _, flag := range f.Flags {
		switch name := string(canonical(flag)); {
		case strings.EqualFold(name, string(imap.FlagDeleted)):
			return no(imap.ResponseCodeCannot, "Posts cannot be deleted from the archive: ask the list's owner to remove one")
		case strings.HasPrefix(name, `\`) && !slices.Contains(systemFlags, imap.Flag(name)):
			return no(imap.ResponseCodeCannot, `This flag cannot be set: use \Seen, \Answered, \Flagged or a keyword`)
		}
	}
	return nil
}

// canonical spelling of a flag as it is kept.
func canonical(flag imap.Flag) string {
	for _, s := range systemFlags {
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
