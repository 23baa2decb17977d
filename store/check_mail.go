package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (c *checker) heldRows() {
	c.scan(tHeld, func(k, v []byte) {
		h, ok := record[Held](c, k, v)
		if !ok {
			return
		}
		c.checked.Held++
		what := c.row(k)
		if h.ID != lastNumber(k) || c.lists[h.List] == nil && !slices.Contains(c.gone, h.List) {
			c.wrong(doRestore, what, "it says it is %d, of list %d", h.ID, h.List)
		}
		if !c.has(heldIdentity(h)) {
			c.wrong(doReport, what, "it is not found by its Message-ID")
		}
		if !c.starts(key(tHeldRaw, h.ID)) {
			c.wrong(doRestore, what, "its bytes are missing")
		}
		c.below(heldCounter, h.ID, what)
	})
	c.scan(tHeldID, func(k, _ []byte) {
		if missing[Held](c, key(tHeld, lastNumber(k))) {
			c.wrong(doReport, c.row(k), "it leads to held post %d, which is not there", lastNumber(k))
		}
	})
	c.blobs(tHeldRaw, 8, func(prefix []byte) (size int64, what string, known bool) {
		what = fmt.Sprintf("held post %d", lastNumber(prefix))
		h, err := find[Held](c, key(tHeld, lastNumber(prefix)))
		if errors.Is(err, ErrNotFound) {
			c.wrong(doReport, what, "there are bytes of it and it is not there")
		}
		return h.Size, what, err == nil
	})
}

func (c *checker) jobRows() {
	jobs := map[uint64]uint64{} // of lists, and of 0
	c.scan(tJob, func(k, v []byte) {
		j, ok := record[Job](c, k, v)
		if !ok {
			return
		}
		c.checked.Jobs++
		jobs[j.List]++
		what := c.row(k)
		if t := c.lists[j.List]; t != nil {
			t.jobs++
		} else if j.List != 0 && !slices.Contains(c.gone, j.List) {
			c.wrong(doReport, what, "its list is not there")
		}
		switch {
		case j.ID != lastNumber(k):
			c.wrong(doRestore, what, "it says it is job %d", j.ID)
		case j.Number != 0 && missing[Post](c, key(tPost, j.List, j.Number)):
			c.wrong(doReport, what, "its post %d is not there", j.Number)
		case j.Number == 0 && !c.starts(key(tJobRaw, j.ID)):
			c.wrong(doRestore, what, "the bytes of its mail are missing")
		}
		if n := c.count(key(tDeferral, j.ID)); n != j.Waiting {
			c.wrong(doReport, what, "%d recipients are tried again and it says %d", n, j.Waiting)
		}
		c.below(jobCounter, j.ID, what)
	})
	if n := c.look(key(tJobCount, uint64(0))); n == nil || len(n) > 0 {
		c.same("the count of mails that are of no list", lastNumber(n), jobs[0])
	}
	c.blobs(tJobRaw, 8, func(prefix []byte) (size int64, what string, known bool) {
		what = fmt.Sprintf("the mail of job %d", lastNumber(prefix))
		if missing[Job](c, key(tJob, lastNumber(prefix))) {
			c.wrong(doReport, what, "there are bytes of it and it is not there")
		}
		return -1, what, true // no record says the size
	})
	c.scan(tDeferral, func(k, v []byte) {
		d, ok := record[Deferral](c, k, v)
		if !ok {
			return
		}
		if !bytes.Equal(k, key(tDeferral, d.Job, d.Recipient)) || missing[Job](c, key(tJob, d.Job)) {
			c.wrong(doReport, c.row(k), "its job is not there")
		}
		if !c.has(dueKey(d)) {
			c.wrong(doReport, c.row(k), "it is not found by its time")
		}
	})
	c.scan(tDue, func(k, _ []byte) {
		if len(k) < 17 {
			c.wrong(doRestore, c.row(k), "its key is too short")
		} else if d, err := find[Deferral](c, key(tDeferral, k[9:])); errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(k, dueKey(d)) {
			c.wrong(doReport, c.row(k), "it leads to a recipient who is not there or is due at another time")
		}
	})
}

// jobCount of a list.
func (c *checker) jobCount(list, counted uint64, of string) {
	if n := c.look(key(tJobCount, list)); n == nil || len(n) > 0 {
		c.same("the count of mails in the queue"+of, lastNumber(n), counted)
	}
}

// count of the keys below a prefix.
func (c *checker) count(prefix []byte) int { return len(c.numbers(prefix)) }

// names of tables, as what their rows are.
var names = map[byte]string{
	tSite: "site record", tList: "list", tListName: "address of a list", tListGone: "removal of list", tLog: "counts of posts", tMember: "member",
	tMemberID: "link of a member", tMembership: "membership", tMemberCount: "count of members", tAccount: "account",
	tSubscription: "mailboxes of account", tInbox: "INBOX of account", tFlag: "flags of account", tPost: "post", tRaw: "bytes of post",
	tSeq: "order of acceptance", tRemoved: "note of removed post", tMessageID: "Message-ID", tGhost: "missing parent", tOrphan: "missing parent",
	tThread: "thread", tThreadGone: "merged thread", tThreadPost: "post in thread", tThreadLatest: "newest post of thread", tMonth: "month",
	tMonthCount: "count of month", tHeld: "held post", tHeldRaw: "bytes of held post", tHeldID: "Message-ID of held post", tJob: "job",
	tJobCount: "count of jobs", tJobRaw: "mail of job", tDeferral: "recipient of job", tDue: "time of a recipient", tToken: "token", tTokenOf: "token",
	tBan: "ban", tTrust: "trust", tText: "text", tStamp: "time", tDigest: "state of digests", tOwed: "last digest", tSuspended: "suspended member",
	tDeparture: "departure", tAlias: "earlier address", tEnded: "ended session",
	tFile: "file", tFilePost: "file of post", tFileContent: "content of a file", tFileGroup: "versions of a file", tFileLatest: "newest version of a file",
	tFilesCursor: "cursor of files", tUnsent: "post", tUnsentRaw: "bytes of post", tRedacted: "note of changed post",
}

// row names a row for people, from its key.
func (c *checker) row(k []byte) string {
	what, rest := names[k[0]], k[1:]
	if what == "" {
		what = fmt.Sprintf("row of table %q", k[0])
	}
	switch k[0] {
	case tHeld, tHeldRaw, tJob, tJobRaw, tListGone, tDeferral:
		if len(rest) >= 8 {
			what += fmt.Sprintf(" %d", binary.BigEndian.Uint64(rest))
		}
		if k[0] == tDeferral && len(rest) > 8 {
			what += " to " + string(rest[8:])
		}
		return what
	case tAccount, tSubscription, tInbox, tFlag, tListName, tMembership, tAlias, tSite:
		address, _, _ := strings.Cut(string(rest), "\x00")
		return what + " " + address
	case tToken, tTokenOf, tEnded, tDue, tMemberID:
		return what
	}
	if len(rest) < 8 {
		return what
	}
	list, rest := binary.BigEndian.Uint64(rest), rest[8:]
	switch k[0] {
	case tPost, tRaw, tThread, tThreadGone, tRemoved, tThreadPost, tSeq, tThreadLatest, tUnsent, tUnsentRaw, tRedacted:
		if len(rest) >= 8 {
			what += fmt.Sprintf(" %d", binary.BigEndian.Uint64(rest))
		}
	case tMember, tSuspended, tBan, tTrust, tText, tStamp, tDeparture, tMonthCount, tOwed:
		text, _, _ := strings.Cut(string(rest), "\x00")
		what += " " + text
	}
	if t := c.lists[list]; t != nil {
		return what + " of " + t.name
	}
	return fmt.Sprintf("%s of list %d", what, list)
}

// between names the rows of a hole.
func (c *checker) between(from, to []byte) string {
	if len(from) < 2 {
		return fmt.Sprintf("rows (%s) from the first one", names[from[0]])
	}
	if to == nil || to[0] != from[0] {
		return "from " + c.row(from) + " to the end of its table"
	}
	return "from " + c.row(from) + " to before " + c.row(to)
}
