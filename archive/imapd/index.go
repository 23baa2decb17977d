package imapd

import (
	"slices"
	"sort"

	"github.com/emersion/go-imap/v2"
)

// index maps sequence numbers to UIDs and back, as the client knows them. A list's UIDs are 1 to last without gone, which
// costs nothing for a list of any size; those of other mailboxes are in uids.
type index struct {
	last   uint32
	gone   []uint32 // ascending
	uids   []uint32 // ascending; used when sparse
	sparse bool
}

func (x *index) len() uint32 {
	if x.sparse {
		return uint32(len(x.uids))
	}
	return x.last - uint32(len(x.gone))
}

// highest UID, 0 when there is none.
func (x *index) highest() uint32 {
	if n := x.len(); n > 0 {
		return x.uid(n)
	}
	return 0
}

// uid of a sequence number from 1 to len.
func (x *index) uid(seq uint32) uint32 {
	if x.sparse {
		return x.uids[seq-1]
	}
	before := sort.Search(len(x.gone), func(i int) bool { return x.gone[i]-uint32(i) > seq })
	return seq + uint32(before)
}

// seq is the sequence number of the first message whose UID is at least the given one; len+1 when there is none.
func (x *index) seq(uid uint32) (seq uint32, exact bool) {
	if x.sparse {
		i, ok := slices.BinarySearch(x.uids, uid)
		return uint32(i) + 1, ok
	}
	if uid == 0 {
		return 1, false
	}
	if uid > x.last {
		return x.len() + 1, false
	}
	i, isGone := slices.BinarySearch(x.gone, uid)
	return uid - uint32(i), !isGone
}

// remove takes a UID out and returns the sequence number it had.
func (x *index) remove(uid uint32) uint32 {
	seq, exact := x.seq(uid)
	if !exact {
		return 0
	}
	if x.sparse {
		x.uids = slices.Delete(x.uids, int(seq-1), int(seq))
	} else {
		i, _ := slices.BinarySearch(x.gone, uid)
		x.gone = slices.Insert(x.gone, i, uid)
	}
	return seq
}

// span is a run of sequence numbers, both ends within.
type span struct{ from, to uint32 }

// spans reads a client's set as ascending runs of sequence numbers that exist. A set is never written out number by
// number: a client may say 1:4294967295.
func (x *index) spans(set imap.NumSet) []span {
	var all []span
	add := func(from, to uint32) {
		if from = max(from, 1); from <= to {
			all = append(all, span{from, to})
		}
	}
	n := x.len()
	if n == 0 {
		return nil
	}
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			from, to := bounds(r.Start, r.Stop, n)
			add(from, min(to, n))
		}
	case imap.UIDSet:
		for _, r := range set {
			from, to := bounds(uint32(r.Start), uint32(r.Stop), x.highest())
			first, _ := x.seq(from)
			last, exact := x.seq(to)
			if !exact {
				last--
			}
			add(first, min(last, n))
		}
	}
	slices.SortFunc(all, func(a, b span) int { return int(int64(a.from) - int64(b.from)) })
	merged := all[:0]
	for _, s := range all {
		if k := len(merged); k > 0 && s.from <= merged[k-1].to+1 {
			merged[k-1].to = max(merged[k-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// bounds reads a range of a set, where 0 stands for *, the highest; a range may be written backwards.
func bounds(start, stop, highest uint32) (from, to uint32) {
	if start == 0 {
		start = highest
	}
	if stop == 0 {
		stop = highest
	}
	return min(start, stop), max(start, stop)
}
