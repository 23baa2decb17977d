package imapd

import (
	"errors"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// view is a selected mailbox as the client has been told of it.
type view struct {
	mailbox
	readOnly bool
	index
	entries  []store.InboxEntry                // of INBOX, in the order of index.uids
	gaps     map[uint64]uint64                 // of INBOX as the client knows it, see (*session).gaps
	lists    map[uint64]uint64                 // the same as it is now: entries of other lists are not read
	flags    map[uint64]store.Flags            // by list
	saved    imap.UIDSet                       // SEARCH RETURN (SAVE)
	sets     map[*imap.SearchCriteria][][]span // of the search that runs
	texts    map[looked]indexed                // of the same
	posts    <-chan struct{}                   // closed when the mailbox may have changed
	flagging <-chan struct{}                   // closed when a flag of the account changed
}

// place is where a message is in the store.
func (v *view) place(seq uint32) (list, number uint64) {
	if v.kind == ofInbox {
		e := v.entries[seq-1]
		return e.List, e.Number
	}
	return v.list.ID, uint64(v.uid(seq))
}

// mine tells whether posts of a list may be read: who left one has them in INBOX until that is told.
func (v *view) mine(list uint64) bool {
	_, ok := v.lists[list]
	return ok || v.kind != ofInbox
}

// fresh reads what a mailbox holds now.
func (x *session) fresh(m mailbox) (v *view, err error) {
	v = &view{mailbox: m, flags: map[uint64]store.Flags{}}
	st := x.server.Store
	switch m.kind {
	case ofInbox:
		v.sparse = true
		if v.gaps, err = x.gaps(); err == nil {
			v.lists = v.gaps
			err = x.addInbox(v, 1)
		}
	case ofHeld:
		v.sparse = true
		var held []store.Held
		held, err = st.HeldPosts(m.list.ID)
		for _, h := range held {
			v.uids = append(v.uids, uint32(h.ID))
		}
	case ofRejected:
		v.sparse = true
	default:
		err = x.readLog(v)
	}
	return v, x.failed(err)
}

func (x *session) readLog(v *view) error {
	log, err := x.server.Store.Log(v.list.ID)
	if err != nil {
		return err
	}
	v.last = uint32(log.Last)
	if log.Count == log.Last {
		return nil
	}
	removed, err := x.server.Store.Removed(v.list.ID)
	for _, n := range removed {
		if n <= log.Last {
			v.gone = append(v.gone, uint32(n))
		}
	}
	return err
}

func (x *session) addInbox(v *view, from uint32) error {
	for e, err := range x.server.Store.Inbox(x.account, from) {
		if err != nil {
			return err
		}
		if v.mine(e.List) {
			v.uids, v.entries = append(v.uids, e.UID), append(v.entries, e)
		}
	}
	return nil
}

// gaps of INBOX: the lists of the account that may be read, and how many posts of each are removed. As long as they stay, INBOX only
// grows.
func (x *session) gaps() (map[uint64]uint64, error) {
	ms, err := x.server.Store.MembershipsOf(x.account)
	if err != nil {
		return nil, err
	}
	gaps := make(map[uint64]uint64, len(ms))
	for _, m := range ms {
		l, err := x.server.Store.ListByID(m.List)
		if errors.Is(err, store.ErrNotFound) || err == nil && !l.ReadableBy(true) {
			continue
		} else if err != nil {
			return nil, err
		}
		log, err := x.server.Store.Log(m.List)
		if err != nil {
			return nil, err
		}
		gaps[m.List] = log.Last - log.Count
	}
	return gaps, nil
}

// grown reads only what is new in INBOX; false when something may be gone too.
func (x *session) grown(v *view) (bool, error) {
	lists, err := x.gaps()
	if err != nil {
		return false, x.failed(err)
	}
	if v.lists = lists; !maps.Equal(lists, v.gaps) {
		return false, nil
	}
	return true, x.failed(x.addInbox(v, v.highest()+1))
}

// watch takes the channels before the mailbox is read, so that no change falls between.
func (x *session) watch(v *view) {
	list := v.list.ID
	if v.kind == ofInbox {
		list = 0
	}
	v.posts = x.server.Store.PostsChanged(list)
	v.flagging = x.server.Store.FlagsChanged(x.account)
}

// loadFlags reads the account's flags of a list once, and again after a change.
func (x *session) loadFlags(v *view, list uint64) (store.Flags, error) {
	if f, ok := v.flags[list]; ok {
		return f, nil
	}
	var f store.Flags
	var err error
	switch {
	case v.kind == ofHeld:
		f = store.Flags{}
	case x.account == "":
		if x.visitor[list] == nil {
			x.visitor[list] = store.Flags{}
		}
		f = x.visitor[list]
	default:
		f, err = x.server.Store.Flags(x.account, list)
	}
	v.flags[list] = f
	return f, x.failed(err)
}

func flagsOf(f store.Flags, number uint64) []imap.Flag {
	flags := []imap.Flag{}
	for name, set := range f {
		if set.Has(number) {
			flags = append(flags, imap.Flag(name))
		}
	}
	slices.Sort(flags)
	return flags
}

// uids of a mailbox that never change, and the next.
func (x *session) uids(m mailbox) (validity uint32, next imap.UID, err error) {
	switch m.kind {
	case ofInbox:
		n, err := x.server.Store.InboxNext(x.account)
		return inboxValidity, imap.UID(n), x.failed(err)
	case ofHeld, ofRejected:
		held, err := x.server.Store.HeldPosts(m.list.ID)
		next := uint64(1)
		if len(held) > 0 {
			next = held[len(held)-1].ID + 1
		}
		return m.list.UIDValidity, imap.UID(next), x.failed(err)
	}
	log, err := x.server.Store.Log(m.list.ID)
	return m.list.UIDValidity, imap.UID(log.Last + 1), x.failed(err)
}

// inboxValidity never changes: INBOX has UIDs of its own that are not used again.
const inboxValidity = 1

// unseen counts, finds the first, and lists the keywords in use. A list is counted by bitmaps.
func (x *session) unseen(v *view) (n, first uint32, keywords []imap.Flag, err error) {
	seen := map[uint64]store.NumSet{}
	lists := slices.Collect(maps.Keys(v.lists))
	if v.kind != ofInbox {
		lists = []uint64{v.list.ID}
	}
	for _, l := range lists {
		f, err := x.loadFlags(v, l)
		if err != nil {
			return 0, 0, nil, err
		}
		seen[l] = f[string(imap.FlagSeen)]
		for name := range f {
			if name[0] != '\\' && !slices.Contains(keywords, imap.Flag(name)) {
				keywords = append(keywords, imap.Flag(name))
			}
		}
	}
	slices.Sort(keywords)
	if v.kind == ofInbox {
		n, first = v.countInbox(seen)
		return n, first, keywords, nil
	}
	set := seen[v.list.ID]
	had := uint32(set.Len())
	for _, uid := range v.gone {
		if set.Has(uint64(uid)) {
			had--
		}
	}
	n = v.len() - min(had, v.len()) // a post that is newer than the view may be seen
	for seq := uint32(1); n > 0 && seq <= v.len(); seq++ {
		if !set.Has(uint64(v.uid(seq))) {
			return n, seq, keywords, nil
		}
	}
	return n, 0, keywords, nil
}

func (v *view) countInbox(seen map[uint64]store.NumSet) (n, first uint32) {
	var list uint64
	var set store.NumSet
	for i, e := range v.entries {
		if e.List != list {
			list, set = e.List, seen[e.List]
		}
		if set.Has(e.Number) {
			continue
		}
		if n++; first == 0 {
			first = uint32(i) + 1
		}
	}
	return n, first
}

// describeHeld makes a post of a held message, which has no number yet.
func describeHeld(h store.Held, raw []byte) store.Post {
	p := archive.Describe(raw, h.Received).Post
	p.List, p.Number, p.Received, p.Size = h.List, h.ID, h.Received, int64(len(raw))
	return p
}
