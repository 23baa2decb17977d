package main

import (
	"errors"
	"fmt"
	"maps"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newMember(e *env) *cobra.Command {
	return newGroup("member", "Members of lists", "  sangam member ls heplink", newMemberAdd(e), newMemberLs(e), newMemberShow(e),
		newMemberSet(e), newMemberRemove(e), newMemberImport(e), newMemberExport(e))
}

// memberRow has the address and every setting.
func memberRow(m store.Member) row {
	r := row{"address": string(m.Address), "joined": stamp(m.Joined)}
	maps.Copy(r, m.Values())
	return r
}

// member finds a member of a list by what the command line says.
func (s *site) member(list, member string) (store.List, store.Member, error) {
	l, err := s.list(list)
	if err != nil {
		return l, store.Member{}, err
	}
	a, err := address(member)
	if err != nil {
		return l, store.Member{}, err
	}
	m, err := s.Member(l.ID, a)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%s is no member of %s: `sangam member ls %s` shows all", a, l.Address(), list)
	}
	return l, m, err
}
