package imapd

import (
	"errors"
	"slices"

	"wesouthasians.org/sangam/store"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// errGone ends a session whose mailbox is there no more, or no more for this account.
var errGone = errors.New("the mailbox is gone")

// mayReadOn looks whether the mailbox may still be read, when something happened to it.
func (x *session) mayReadOn() error {
	v := x.view
	if v == nil || !closed(v.posts) {
		return nil
	}
	if v.kind == ofInbox {
		return x.poll(false)
	}
	m, err := x.open(v.name)
	if errors.Is(err, errNoMailbox) || err == nil && m.list.ID != v.list.ID {
		return errGone
	}
	return err
}

// poll tells the client what changed: posts that were removed, when it may hear so, new posts, then flags that another session of the
// account changed.
func (x *session) poll(mayExpunge bool) error {
	v := x.view
	if v == nil {
		return nil
	}
	posts, flags := closed(v.posts) || v.kind == ofHeld, closed(v.flagging)
	if !posts && !flags {
		return nil
	}
	if v.kind != ofInbox {
		if err := x.mayReadOn(); err != nil {
			return err
		}
	}
	x.watch(v)
	if posts {
		if err := x.pollPosts(v, mayExpunge); err != nil {
			return err
		}
	}
	if flags && x.account != "" {
		return x.pollFlags(v)
	}
	return nil
}

// again is closed from the start: something is left to be told.
var again = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (x *session) pollPosts(v *view, mayExpunge bool) error {
	before := v.len()
	if v.kind == ofInbox {
		if ok, err := x.grown(v); ok || err != nil {
			x.tellExists(v, before)
			return err
		}
	}
	now, err := x.fresh(v.mailbox)
	if err != nil {
		return err
	}
	gone := v.vanished(now)
	switch {
	case len(gone) > 0 && !mayExpunge:
		v.posts = again
	default:
		for _, uid := range gone {
			x.tellExpunge(v, uid)
		}
		v.gaps = now.gaps
	}
	before = v.len()
	v.include(now)
	x.tellExists(v, before)
	return nil
}

func (x *session) tellExists(v *view, before uint32) {
	if v.len() > before {
		x.out.Raw("* ").Number(int64(v.len())).Raw(" EXISTS\r\n")
	}
}

func (x *session) tellExpunge(v *view, uid uint32) {
	seq := v.remove(uid)
	if v.kind == ofInbox {
		v.entries = slices.Delete(v.entries, int(seq-1), int(seq))
	}
	x.out.Raw("* ").Number(int64(seq)).Raw(" EXPUNGE\r\n")
}

// vanished lists the UIDs that the client knows and the mailbox has no more.
func (v *view) vanished(now *view) (uids []uint32) {
	if !v.sparse {
		for _, uid := range now.gone {
			if uid > v.last {
				break
			}
			if _, known := slices.BinarySearch(v.gone, uid); !known {
				uids = append(uids, uid)
			}
		}
		return uids
	}
	for _, uid := range v.uids {
		if _, there := slices.BinarySearch(now.uids, uid); !there {
			uids = append(uids, uid)
		}
	}
	return uids
}

// include adds what is above the highest UID announced.
func (v *view) include(now *view) {
	if !v.sparse {
		for _, uid := range now.gone {
			if uid > v.last {
				v.gone = append(v.gone, uid)
			}
		}
		v.last = max(v.last, now.last)
		return
	}
	highest := v.highest()
	for i, uid := range now.uids {
		if uid > highest {
			v.uids = append(v.uids, uid)
			if v.kind == ofInbox {
				v.entries = append(v.entries, now.entries[i])
			}
		}
	}
}

// pollFlags compares the flags that the client knows with those of the store.
func (x *session) pollFlags(v *view) error {
	old := v.flags
	v.flags = map[uint64]store.Flags{}
	changed, any := map[uint64]map[uint64]bool{}, false
	for list, before := range old {
		after, err := x.loadFlags(v, list)
		if err != nil {
			return err
		}
		changed[list] = differing(before, after)
		any = any || len(changed[list]) > 0
	}
	for seq := uint32(1); any && seq <= v.len(); seq++ {
		if list, number := v.place(seq); changed[list][number] {
			x.tellFlags(seq, v.uid(seq), flagsOf(v.flags[list], number))
		}
	}
	return nil
}

func differing(a, b store.Flags) map[uint64]bool {
	diff := map[uint64]bool{}
	compare := func(a, b store.Flags) {
		for name, set := range a {
			for n := range set.All() {
				if !b[name].Has(n) {
					diff[n] = true
				}
			}
		}
	}
	compare(a, b)
	compare(b, a)
	return diff
}
