package store

import (
	"crypto/sha256"
	"encoding/binary"
)

// The layout. A key is the table's byte followed by parts: numbers are 8 bytes big-endian, text ends with NUL unless it
// is the last part, h is the first 16 bytes of a Message-ID's SHA-256.
const (
	tSite         = 'S' // name                        → site record, counters
	tList         = 'L' // list                        → List
	tListName     = 'N' // address                     → list
	tListGone     = 'Z' // list                        → nothing: its rows are being removed
	tLog          = 'G' // list                        → Log
	tMember       = 'M' // list address                → Member
	tMemberID     = 'I' // member ID                   → list address
	tMembership   = 'B' // address NUL list            → nothing
	tMemberCount  = 'C' // list                        → number
	tAccount      = 'A' // address                     → Account
	tSubscription = 'U' // address                     → names of mailboxes
	tInbox        = 'X' // address                     → spans of INBOX
	tFlag         = 'F' // address NUL list flag NUL chunk → bitmap
	tPost         = 'P' // list number                 → Post
	tRaw          = 'R' // list number chunk           → zstd
	tSeq          = 'Q' // list seq                    → number
	tRemoved      = 'V' // list number                 → nothing
	tMessageID    = 'i' // list h number               → content hashes: as it arrived, as stored
	tGhost        = 'g' // list h                      → thread: a parent that is not there
	tOrphan       = 'o' // list h number               → distance: a post that waits for that parent
	tThread       = 't' // list thread                 → Thread
	tThreadGone   = 'z' // list thread                 → the thread it was merged into
	tThreadPost   = 'p' // list thread number          → nothing
	tThreadLatest = 'l' // list number thread          → nothing; number is the thread's newest post
	tMonth        = 'm' // list month NUL date number  → nothing
	tMonthCount   = 'n' // list month                  → number
	tHeld         = 'H' // held                        → Held
	tHeldRaw      = 'h' // held chunk                  → zstd
	tHeldID       = 'j' // list h held                 → content hash
	tJob          = 'J' // job                         → Job
	tJobCount     = 'c' // list                        → number
	tJobRaw       = 'K' // job chunk                   → zstd
	tDeferral     = 'D' // job recipient               → Deferral
	tDue          = 'E' // microseconds job recipient  → nothing
	tToken        = 'T' // hash of the secret          → Token
	tTokenOf      = 'k' // purpose NUL list address    → hash of the secret
	tBan          = 'b' // list pattern                → Ban; list 0: of the site
	tTrust        = 'r' // list address                → nothing: an author whose posts need no moderator
	tText         = 'x' // list name                   → text
	tStamp        = 's' // list name                   → microseconds: when something was done last
	tDigest       = 'd' // list                        → DigestState
	tOwed         = 'w' // list address upto           → Owed: the last digest of who gets none any more
	tSuspended    = 'u' // list address                → nothing: delivery to the member is stopped
	tDeparture    = 'q' // list address                → Departure
	tAlias        = 'a' // earlier address             → address
	tFile         = 'f' // list file                   → File
	tFilePost     = 'y' // list number file            → nothing
	tFileContent  = 'O' // list content file           → nothing; content is 16 bytes, as group
	tFileGroup    = 'v' // list group file             → nothing: a version that is listed
	tFileLatest   = 'Y' // list file                   → what it is found by: the newest version of a group
	tFilesCursor  = 'W' // list                        → FilesCursor
	tUnsent       = '1' // list number                 → Post: one that is not archived, until it is with everybody
	tUnsentRaw    = '2' // list number chunk           → zstd
	tRedacted     = '3' // list count                  → number: a post of which something was taken out
	tEnded        = 'e' // hash of a session           → microseconds: until when it could have been used
)

// AppendOnly reports whether keys of a table arrive in ascending order, so that an engine can fill its pages.
func AppendOnly(table byte) bool {
	switch table {
	case tPost, tRaw, tSeq, tHeld, tJob, tJobRaw, tHeldRaw:
		return true
	}
	return false
}

// key joins a table and parts: uint64, Address and string (as they are), []byte.
func key(table byte, parts ...any) []byte {
	k := make([]byte, 1, 48)
	k[0] = table
	for _, p := range parts {
		switch p := p.(type) {
		case uint64:
			k = binary.BigEndian.AppendUint64(k, p)
		case string:
			k = append(k, p...)
		case Address:
			k = append(k, p...)
		case []byte:
			k = append(k, p...)
		default:
			panic("key part of unknown type")
		}
	}
	return k
}

// after is the smallest key behind all keys that start with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return end
}

// lastNumber reads the number at the end of a key or value.
func lastNumber(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b[len(b)-8:])
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func idHash(messageID string) []byte {
	sum := sha256.Sum256([]byte(messageID))
	return sum[:16]
}

// present is the value of a row that only has a key.
var present = []byte{1}

// terminated is text as a part of a key that is not the last.
func terminated(s string) []byte { return append([]byte(s), 0) }
