package main

import (
	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newList(e *env) *cobra.Command {
	return newGroup("list", "Lists and their settings", "  sangam list ls", newListCreate(e), newListLs(e), newListShow(e), newListSet(e), newListText(e), newListRename(e), newListRemove(e))
}

// listRow has what every print of a list shows.
func (s *site) listRow(l store.List) (row, error) {
	members, err := s.CountMembers(l.ID)
	if err != nil {
		return nil, err
	}
	log, err := s.Log(l.ID)
	return row{"name": l.Name, "address": string(l.Address()), "title": l.Title, "members": members, "posts": log.Count,
		"threads": log.Threads, "on_hold": l.OnHold, "bytes": log.Bytes, "latest": stamp(log.Latest), "created": stamp(l.Created)}, err
}
