package store

import "time"

// List is one mailing list. Its settings are in the embedded Settings.
type List struct {
	ID          uint64    `cbor:"1,keyasint,omitempty"`
	Name        string    `cbor:"2,keyasint,omitempty"` // local part, lower case
	Domain      string    `cbor:"3,keyasint,omitempty"` // A-label, lower case
	Created     time.Time `cbor:"4,keyasint,omitempty"`
	UIDValidity uint32    `cbor:"5,keyasint,omitempty"` // never changes
	Settings    `cbor:"6,keyasint"`
	OnHold      bool `cbor:"7,keyasint,omitempty"` // posts are accepted and wait in the outbox
}

// Address of the list, where posts go.
func (l List) Address() Address { return Address(l.Name + "@" + l.Domain) }

// Log says how far the log of a list reaches.
type Log struct {
	Last    uint64    `cbor:"1,keyasint,omitempty"` // number of the newest post, removed ones included; 0: none
	Count   uint64    `cbor:"2,keyasint,omitempty"` // posts that are not removed
	Threads uint64    `cbor:"3,keyasint,omitempty"`
	Bytes   uint64    `cbor:"4,keyasint,omitempty"` // raw size of all posts
	Latest  time.Time `cbor:"5,keyasint,omitempty"` // acceptance of the newest post

	Redactions uint64 `cbor:"6,keyasint,omitempty"` // how often something was taken out of a post
}

// Role of a member.
type Role string

const (
	RoleMember    Role = "member"
	RoleModerator Role = "moderator"
	RoleOwner     Role = "owner"
)

// Delivery says what a member gets.
type Delivery string

const (
	DeliverEach       Delivery = "each"
	DeliverDigest     Delivery = "digest"
	DeliverDigestText Delivery = "digest-text"
	DeliverIndex      Delivery = "index"
	DeliverNone       Delivery = "none"
)

// Member is one address on one list. The zero value is not useful: start with NewMember.
type Member struct {
	ID           uint64    `cbor:"1,keyasint,omitempty"` // MemberID of list and address: the same again after leaving and joining anew
	List         uint64    `cbor:"2,keyasint,omitempty"`
	Address      Address   `cbor:"3,keyasint,omitempty"`
	Mailbox      string    `cbor:"4,keyasint,omitempty"` // the address as the member spells it; mail goes there
	Name         string    `cbor:"5,keyasint,omitempty"`
	Role         Role      `cbor:"6,keyasint,omitempty"`
	Delivery     Delivery  `cbor:"7,keyasint,omitempty"`
	Ack          bool      `cbor:"8,keyasint,omitempty"`
	OwnPosts     bool      `cbor:"9,keyasint,omitempty"`
	NoDuplicates bool      `cbor:"10,keyasint,omitempty"`
	Conceal      bool      `cbor:"11,keyasint,omitempty"`
	Language     string    `cbor:"12,keyasint,omitempty"`
	Attachments  string    `cbor:"13,keyasint,omitempty"` // keep | link
	Until        time.Time `cbor:"14,keyasint,omitempty"` // delivery stops until then; zero: no stop
	Joined       time.Time `cbor:"15,keyasint,omitempty"`
	Approved     int       `cbor:"16,keyasint,omitempty"` // posts of this member that were accepted; read by moderate = first
	Failure      Failure   `cbor:"17,keyasint,omitempty"`
	History      []Switch  `cbor:"18,keyasint,omitempty"` // earlier values of Delivery, oldest first
}

// Switch says how the posts behind those of the switch before went, up to a number.
type Switch struct {
	Upto     uint64   `cbor:"1,keyasint,omitempty"`
	Delivery Delivery `cbor:"2,keyasint,omitempty"`
	Owed     uint64   `cbor:"3,keyasint,omitempty"` // the first of them that comes in a digest of the member's own; 0: none
}

// Failure is what is known of mail to a member that could not be delivered.
type Failure struct {
	Count     int       `cbor:"1,keyasint,omitempty"`  // failures so far
	Last      time.Time `cbor:"2,keyasint,omitempty"`  // zero: never
	Answer    string    `cbor:"3,keyasint,omitempty"`  // the remote's last answer
	Score     float64   `cbor:"4,keyasint,omitempty"`  // see CurrentScore
	Day       int64     `cbor:"5,keyasint,omitempty"`  // the last day that counted, in days since 1970, UTC
	Today     float64   `cbor:"6,keyasint,omitempty"`  // what that day counted
	Suspended time.Time `cbor:"7,keyasint,omitempty"`  // delivery is stopped since; zero: it is not
	From      uint64    `cbor:"8,keyasint,omitempty"`  // newest post at that time
	Complaint bool      `cbor:"9,keyasint,omitempty"`  // a complaint stopped it
	Asked     int       `cbor:"10,keyasint,omitempty"` // how often the member was asked whether mail arrives again
}

// Account is a person who logs in by IMAP or web.
type Account struct {
	Address  Address   `cbor:"1,keyasint,omitempty"`
	Password []byte    `cbor:"2,keyasint,omitempty"` // hash made by the caller; empty: no password login
	Created  time.Time `cbor:"3,keyasint,omitempty"`
}

// Post is one entry of a list's log, without its bytes. Number is the IMAP UID.
type Post struct {
	List        uint64    `cbor:"1,keyasint,omitempty"`
	Number      uint64    `cbor:"2,keyasint,omitempty"`
	Seq         uint64    `cbor:"3,keyasint,omitempty"` // place in the order of acceptance over all lists of the site
	MessageID   string    `cbor:"4,keyasint,omitempty"` // without angle brackets; empty when the message has none
	Content     [32]byte  `cbor:"5,keyasint,omitempty"`
	Thread      uint64    `cbor:"6,keyasint,omitempty"`  // number of the thread's first accepted post
	Parent      uint64    `cbor:"7,keyasint,omitempty"`  // number of the post it answers; 0: none is in the log
	Distance    int       `cbor:"9,keyasint,omitempty"`  // references between this post and Parent that are not in the log
	Subject     string    `cbor:"10,keyasint,omitempty"` // decoded
	From        string    `cbor:"11,keyasint,omitempty"` // decoded display name, or the address when there is none
	Author      Address   `cbor:"12,keyasint,omitempty"`
	Date        time.Time `cbor:"13,keyasint,omitempty"` // Date field, or Received when that is absent or absurd
	Received    time.Time `cbor:"14,keyasint,omitempty"` // INTERNALDATE: acceptance; for imports the topmost Received field, else Date
	Size        int64     `cbor:"15,keyasint,omitempty"` // bytes as stored
	Lines       int64     `cbor:"16,keyasint,omitempty"`
	Attachments int       `cbor:"17,keyasint,omitempty"`
	Language    string    `cbor:"18,keyasint,omitempty"` // BCP 47 tag when known
	Envelope    []byte    `cbor:"19,keyasint,omitempty"` // archive.EncodeEnvelope
	Structure   []byte    `cbor:"20,keyasint,omitempty"` // archive.EncodeStructure
	Removed     bool      `cbor:"21,keyasint,omitempty"` // number and address say 'removed'; bytes and descriptions are gone
	Quiet       bool      `cbor:"22,keyasint,omitempty"` // archived and not distributed, as an import is
	Unarchived  bool      `cbor:"23,keyasint,omitempty"` // distributed and not archived, as its author asked; it is Removed from the first moment
	Redacted    int       `cbor:"24,keyasint,omitempty"` // how often something was taken out of it
}

// Thread is a conversation on one list.
type Thread struct {
	List         uint64    `cbor:"1,keyasint,omitempty"`
	ID           uint64    `cbor:"2,keyasint,omitempty"` // number of its first accepted post
	Subject      string    `cbor:"3,keyasint,omitempty"` // of its first post that is not removed
	From         string    `cbor:"4,keyasint,omitempty"` // of that post
	Posts        int       `cbor:"5,keyasint,omitempty"` // removed ones included
	First        time.Time `cbor:"6,keyasint,omitempty"` // Date of the post that Subject is of
	Latest       time.Time `cbor:"7,keyasint,omitempty"` // Received of the newest post that is not removed
	LatestNumber uint64    `cbor:"8,keyasint,omitempty"` // of the newest post
	LatestFrom   string    `cbor:"9,keyasint,omitempty"`
	Removed      int       `cbor:"10,keyasint,omitempty"` // how many of the posts are
}

// Held is a post that waits for a moderator.
type Held struct {
	ID        uint64    `cbor:"1,keyasint,omitempty"`
	List      uint64    `cbor:"2,keyasint,omitempty"`
	Sender    Address   `cbor:"3,keyasint,omitempty"` // envelope sender, empty for the null return path
	Author    Address   `cbor:"4,keyasint,omitempty"` // first From address
	From      string    `cbor:"5,keyasint,omitempty"` // decoded From field
	Subject   string    `cbor:"6,keyasint,omitempty"`
	MessageID string    `cbor:"7,keyasint,omitempty"`
	Content   [32]byte  `cbor:"8,keyasint,omitempty"`
	Reasons   []string  `cbor:"9,keyasint,omitempty"` // every rule that held it, in the order of the rules
	Received  time.Time `cbor:"10,keyasint,omitempty"`
	Size      int64     `cbor:"11,keyasint,omitempty"`
	Codes     []string  `cbor:"12,keyasint,omitempty"` // for each reason the name of its text in notices
	Tell      bool      `cbor:"13,keyasint,omitempty"` // its author sent it, for sure enough to be written to
}

// Job is work of the outbox: one post to a roster, or one mail to named recipients. A job of a post is one row
// however many members there are.
type Job struct {
	ID         uint64    `cbor:"1,keyasint,omitempty"`
	List       uint64    `cbor:"2,keyasint,omitempty"`
	Number     uint64    `cbor:"3,keyasint,omitempty"` // of the post; 0: the job has a mail of its own
	Created    time.Time `cbor:"4,keyasint,omitempty"`
	Author     Address   `cbor:"5,keyasint,omitempty"`  // for own_posts
	InHeader   []Address `cbor:"6,keyasint,omitempty"`  // To and Cc of the post, for no_duplicates
	Sender     Address   `cbor:"7,keyasint,omitempty"`  // envelope sender of a mail of its own; empty: null return path
	To         []Address `cbor:"8,keyasint,omitempty"`  // recipients of a mail of its own
	Cursor     Address   `cbor:"9,keyasint,omitempty"`  // members up to this address, in key order, are settled; empty: none
	Exhausted  bool      `cbor:"10,keyasint,omitempty"` // every member is settled or has a deferral
	Waiting    int       `cbor:"11,keyasint,omitempty"` // deferrals
	Attempts   int       `cbor:"12,keyasint,omitempty"` // of the whole job, while the relay was down
	Next       time.Time `cbor:"13,keyasint,omitempty"` // not before; zero: now
	LastAnswer string    `cbor:"14,keyasint,omitempty"` // why the whole job waits
	Waited     bool      `cbor:"15,keyasint,omitempty"` // accepted while the list was on hold: goes after those before it
	Digest     Delivery  `cbor:"16,keyasint,omitempty"` // the mail of its own is a digest for members of this mode; empty: it is none
	Base       uint64    `cbor:"17,keyasint,omitempty"` // of a digest: the post that the list's digest before reached
	From       uint64    `cbor:"18,keyasint,omitempty"` // of a digest: the post behind which it begins
	Upto       uint64    `cbor:"19,keyasint,omitempty"` // of a digest: its last post
	Links      string    `cbor:"20,keyasint,omitempty"` // of a digest: for members whose Attachments is this, keep or link; empty: for all
	Unarchived bool      `cbor:"21,keyasint,omitempty"` // the post is not in the archive
}

// ListMail tells whether the job is mail of a list to its members, with a return path of each member's own.
func (j Job) ListMail() bool { return j.Number != 0 || j.Digest != "" }

// Deferral is a recipient of a job that is tried again later.
type Deferral struct {
	Job        uint64    `cbor:"1,keyasint,omitempty"`
	List       uint64    `cbor:"2,keyasint,omitempty"`
	Recipient  Address   `cbor:"3,keyasint,omitempty"`
	Mailbox    string    `cbor:"4,keyasint,omitempty"`
	Member     uint64    `cbor:"5,keyasint,omitempty"` // member ID; 0 for a mail of its own
	Attempts   int       `cbor:"6,keyasint,omitempty"`
	Since      time.Time `cbor:"7,keyasint,omitempty"` // first attempt
	Next       time.Time `cbor:"8,keyasint,omitempty"`
	LastAnswer string    `cbor:"9,keyasint,omitempty"`
}

// ReadableBy says whether an account may read the list's archive; member tells whether it is a member.
func (l List) ReadableBy(member bool) bool {
	return l.Archive == "public" || l.Archive == "members" && member
}

// MailboxName is the list's name in IMAP and on the web: the bare name in the default domain, else the whole address.
func (l List) MailboxName(defaultDomain string) string {
	if l.Domain == defaultDomain {
		return l.Name
	}
	return string(l.Address())
}
