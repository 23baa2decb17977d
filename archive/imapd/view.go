package imapd

import (
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// view is a selected mailbox as the client has been told of it.
type view struct {
	mailbox
	readOnly bool
	index
	entries  map[uint32]store.InboxEntry       // of INBOX, by UID
	flags    map[uint64]store.Flags            // by list
	saved    imap.UIDSet                       // SEARCH RETURN (SAVE)
	sets     map[*imap.SearchCriteria][][]span // of the search that runs
	posts    <-chan struct{}                   // closed when the mailbox may have changed
	flagging <-chan struct{}                   // closed when a flag of the account changed
}

// place of a message in the store.
func (v *view) place(uid uint32) (list, number uint64) {
	if v.kind == ofInbox {
		e := v.entries[uid]
		return e.List, e.Number
	}
	return v.list.ID, uint64(uid)
}

// fresh reads what the mailbox holds now.
func (x *session) fresh(m mailbox) (index, map[uint32]store.InboxEntry, error) {
	st := x.server.Store
	switch m.kind {
	case ofInbox:
		ix, entries := index{sparse: true}, map[uint32]store.InboxEntry{}
		for e, err := range st.Inbox(x.account, 1) {
			if err != nil {
				return ix, nil, x.failed(err)
			}
			ix.uids = append(ix.uids, e.UID)
			entries[e.UID] = e
		}
		return ix, entries, nil
	case ofHeld:
		ix := index{sparse: true}
		held, err := st.HeldPosts(m.list.ID)
		for _, h := range held {
			ix.uids = append(ix.uids, uint32(h.ID))
		}
		return ix, nil, x.failed(err)
	case ofRejected:
		return index{sparse: true}, nil, nil
	}
	log, err := st.Log(m.list.ID)
	if err != nil {
		return index{}, nil, x.failed(err)
	}
	removed, err := st.Removed(m.list.ID)
	ix := index{last: uint32(log.Last)}
	for _, n := range removed {
		if n <= log.Last {
			ix.gone = append(ix.gone, uint32(n))
		}
	}
	return ix, nil, x.failed(err)
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

var systemFlags = []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged}

// Select (RFC 9051 section 6.3.2); EXAMINE comes here too.
func (x *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	m, err := x.open(name)
	if err != nil {
		return nil, err
	}
	v := &view{mailbox: m, readOnly: o.ReadOnly, flags: map[uint64]store.Flags{}}
	x.watch(v)
	if v.index, v.entries, err = x.fresh(m); err != nil {
		return nil, err
	}
	data := &imap.SelectData{NumMessages: v.len(), Flags: slices.Clone(systemFlags)}
	if data.UIDValidity, data.UIDNext, err = x.uids(m); err != nil {
		return nil, err
	}
	unseen, first, keywords, err := x.unseen(v)
	if err != nil {
		return nil, err
	}
	if unseen > 0 {
		data.FirstUnseenSeqNum = first
	}
	data.Flags = append(data.Flags, keywords...)
	if !v.readOnly && x.account != "" && (v.kind == ofList || v.kind == ofInbox) {
		data.PermanentFlags = append(slices.Clone(data.Flags), imap.FlagWildcard)
	}
	x.view = v
	return data, nil
}

// inboxValidity never changes: INBOX has UIDs of its own that are not used again.
const inboxValidity = 1

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

// unseen counts, finds the first, and lists the keywords in use. A list is counted by bitmaps.
func (x *session) unseen(v *view) (n, first uint32, keywords []imap.Flag, err error) {
	lists := []uint64{v.list.ID}
	if v.kind == ofInbox {
		lists = nil
		for _, e := range v.entries {
			if !slices.Contains(lists, e.List) {
				lists = append(lists, e.List)
			}
		}
	}
	for _, l := range lists {
		f, err := x.loadFlags(v, l)
		if err != nil {
			return 0, 0, nil, err
		}
		for name := range f {
			if name[0] != '\\' && !slices.Contains(keywords, imap.Flag(name)) {
				keywords = append(keywords, imap.Flag(name))
			}
		}
	}
	slices.Sort(keywords)
	if n = v.len(); n == 0 {
		return 0, 0, keywords, nil
	}
	if v.kind == ofList {
		seen := v.flags[v.list.ID][string(imap.FlagSeen)]
		n -= uint32(seen.Len())
		for _, uid := range v.gone {
			if seen.Has(uint64(uid)) {
				n++
			}
		}
	}
	for seq := uint32(1); seq <= v.len(); seq++ {
		list, number := v.place(v.uid(seq))
		seen := v.flags[list][string(imap.FlagSeen)]
		switch has := seen.Has(number); {
		case !has && first == 0:
			first = seq
			if v.kind == ofList {
				return n, first, keywords, nil
			}
		case has && v.kind != ofList:
			n--
		}
	}
	return n, first, keywords, nil
}

// Status (RFC 9051 section 6.3.11).
func (x *session) Status(name string, o *imap.StatusOptions) (*imap.StatusData, error) {
	m, err := x.open(name)
	if err != nil {
		return nil, err
	}
	return x.status(m, o)
}

func (x *session) status(m mailbox, o *imap.StatusOptions) (*imap.StatusData, error) {
	v := &view{mailbox: m, flags: map[uint64]store.Flags{}}
	var err error
	if v.index, v.entries, err = x.fresh(m); err != nil {
		return nil, err
	}
	zero, n, size, none := uint32(0), v.len(), int64(0), int64(0)
	data := &imap.StatusData{Mailbox: m.name, NumMessages: &n, NumRecent: &zero, NumDeleted: &zero, AppendLimit: &zero,
		Size: &size, DeletedStorage: &none}
	if data.UIDValidity, data.UIDNext, err = x.uids(m); err != nil {
		return nil, err
	}
	if o.NumUnseen {
		unseen, _, _, err := x.unseen(v)
		if err != nil {
			return nil, err
		}
		data.NumUnseen = &unseen
	}
	if o.Size {
		size, err = x.size(v)
	}
	return data, err
}

func (x *session) size(v *view) (size int64, err error) {
	if v.kind == ofList {
		log, err := x.server.Store.Log(v.list.ID)
		return int64(log.Bytes), x.failed(err)
	}
	for p, err := range x.messages(v, []span{{1, v.len()}}) {
		if err != nil {
			return 0, err
		}
		size += p.post.Size
	}
	return size, nil
}

// Unselect forgets the mailbox.
func (x *session) Unselect() error {
	x.view = nil
	return nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Poll tells the client what changed: posts that were removed, when it may hear so, new posts, then flags that another
// session of the account changed.
func (x *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v := x.view
	if v == nil {
		return nil
	}
	posts, flags := closed(v.posts) || v.kind == ofHeld, closed(v.flagging)
	if !posts && !flags {
		return nil
	}
	x.watch(v)
	if posts {
		if err := x.pollPosts(w, v, allowExpunge); err != nil {
			return err
		}
	}
	if flags && x.account != "" {
		return x.pollFlags(w, v)
	}
	return nil
}

// again is closed from the start: something is left to be told.
var again = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (x *session) pollPosts(w *imapserver.UpdateWriter, v *view, allowExpunge bool) error {
	now, entries, err := x.fresh(v.mailbox)
	if err != nil {
		return err
	}
	gone := v.vanished(&now)
	if len(gone) > 0 && !allowExpunge {
		v.posts = again
	} else {
		for _, uid := range gone {
			if err := w.WriteExpunge(v.remove(uid)); err != nil {
				return err
			}
			delete(v.entries, uid)
		}
	}
	before := v.len()
	v.include(&now, entries)
	if v.len() > before {
		return w.WriteNumMessages(v.len())
	}
	return nil
}

// vanished lists the UIDs that the client knows and the mailbox has no more.
func (v *view) vanished(now *index) (uids []uint32) {
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
func (v *view) include(now *index, entries map[uint32]store.InboxEntry) {
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
	for _, uid := range now.uids {
		if uid > highest {
			v.uids = append(v.uids, uid)
			if v.entries != nil {
				v.entries[uid] = entries[uid]
			}
		}
	}
}

// pollFlags compares the flags that the client knows with those of the store.
func (x *session) pollFlags(w *imapserver.UpdateWriter, v *view) error {
	old := v.flags
	v.flags = map[uint64]store.Flags{}
	changed := map[uint64]map[uint64]bool{}
	for list, before := range old {
		after, err := x.loadFlags(v, list)
		if err != nil {
			return err
		}
		changed[list] = differing(before, after)
	}
	for seq := uint32(1); seq <= v.len() && anyOf(changed); seq++ {
		uid := v.uid(seq)
		list, number := v.place(uid)
		if !changed[list][number] {
			continue
		}
		if err := w.WriteMessageFlags(seq, imap.UID(uid), flagsOf(v.flags[list], number)); err != nil {
			return err
		}
	}
	return nil
}

func anyOf(changed map[uint64]map[uint64]bool) bool {
	for _, ns := range changed {
		if len(ns) > 0 {
			return true
		}
	}
	return false
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

// heldEvery is how often IDLE looks at held posts, which make no noise.
const heldEvery = 10 * time.Second

// Idle (RFC 2177) tells at once what has happened before it began, then what happens.
func (x *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	for {
		if err := x.Poll(w, true); err != nil {
			return err
		}
		var posts, flags <-chan struct{}
		var tick <-chan time.Time
		if v := x.view; v != nil {
			posts, flags = v.posts, v.flagging
			if v.kind == ofHeld {
				tick = time.After(heldEvery)
			}
		}
		select {
		case <-stop:
			return nil
		case <-x.ctx.Done():
			return nil
		case <-posts:
		case <-flags:
		case <-tick:
		}
	}
}

// describeHeld makes a post of a held message, which has no number yet.
func describeHeld(h store.Held, raw []byte) store.Post {
	p := archive.Describe(raw, h.Received).Post
	p.List, p.Number, p.Received, p.Size = h.List, h.ID, h.Received, int64(len(raw))
	return p
}
