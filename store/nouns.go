package store

import "time"

// List is one mailing list. Its settings are in the embedded Settings.
type List struct {
	ID          uint64
	Name        string // local part, lower case
	Domain      string // A-label, lower case
	Created     time.Time
	UIDValidity uint32 // never changes
	Settings
}

// Address of the list, where posts go.
func (l List) Address() Address { return Address(l.Name + "@" + l.Domain) }

// Log says how far the log of a list reaches.
type Log struct {
	Last    uint64 // number of the newest post, removed ones included; 0: none
	Count   uint64 // posts that are not removed
	Threads uint64
	Bytes   uint64    // raw size of all posts
	Latest  time.Time // acceptance of the newest post
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
	ID           uint64 // MemberID of list and address: the same again after leaving and joining anew
	List         uint64
	Address      Address
	Mailbox      string // the address as the member spells it; mail goes there
	Name         string
	Role         Role
	Delivery     Delivery
	Ack          bool
	OwnPosts     bool
	NoDuplicates bool
	Conceal      bool
	Language     string
	Attachments  string    // keep | link
	Until        time.Time // delivery stops until then; zero: no stop
	Joined       time.Time
	Approved     int // posts of this member that were accepted; read by moderate = first
	Failure      Failure
}

// Failure is what is known of mail to a member that could not be delivered.
type Failure struct {
	Count  int       // permanent failures so far
	Last   time.Time // zero: never
	Answer string    // the remote's last answer
}

// Account is a person who logs in by IMAP or web.
type Account struct {
	Address  Address
	Password []byte // hash made by the caller; empty: no password login
	Created  time.Time
}

// Post is one entry of a list's log, without its bytes. Number is the IMAP UID.
type Post struct {
	List        uint64
	Number      uint64
	Seq         uint64 // place in the order of acceptance over all lists of the site
	MessageID   string // without angle brackets; empty when the message has none
	Content     [32]byte
	Thread      uint64 // number of the thread's first accepted post
	Parent      uint64 // number of the post it answers; 0: none is in the log
	InReplyTo   string // Message-ID of the parent, also when that is not in the log
	Depth       int    // steps from the thread's root, at acceptance or when a missing parent arrived
	Subject     string // decoded
	From        string // decoded display name, or the address when there is none
	Author      Address
	Date        time.Time // Date field, or Received when that is absent or absurd
	Received    time.Time // INTERNALDATE: acceptance; for imports the topmost Received field, else Date
	Size        int64     // bytes as stored
	Lines       int64
	Attachments int
	Language    string // BCP 47 tag when known
	Envelope    []byte // archive.EncodeEnvelope
	Structure   []byte // archive.EncodeStructure
	Removed     bool   // number and address say 'removed'; bytes and descriptions are gone
}

// Thread is a conversation on one list.
type Thread struct {
	List         uint64
	ID           uint64 // number of its first accepted post
	Subject      string // of its first post
	From         string // of its first post
	Posts        int
	First        time.Time // Date of the first post
	Latest       time.Time // Received of the newest post
	LatestNumber uint64
	LatestFrom   string
}

// Held is a post that waits for a moderator.
type Held struct {
	ID        uint64
	List      uint64
	Sender    Address // envelope sender, empty for the null return path
	Author    Address // first From address
	From      string  // decoded From field
	Subject   string
	MessageID string
	Content   [32]byte
	Reasons   []string // every rule that held it, in the order of the rules
	Received  time.Time
	Size      int64
}

// Job is work of the outbox: one post to a roster, or one mail to named recipients. A job of a post is one row
// however many members there are.
type Job struct {
	ID         uint64
	List       uint64
	Number     uint64 // of the post; 0: the job has a mail of its own
	Created    time.Time
	Author     Address   // for own_posts
	InHeader   []Address // To and Cc of the post, for no_duplicates
	Sender     Address   // envelope sender of a mail of its own; empty: null return path
	To         []Address // recipients of a mail of its own
	Cursor     Address   // members up to this address, in key order, are settled; empty: none
	Exhausted  bool      // every member is settled or has a deferral
	Waiting    int       // deferrals
	Attempts   int       // of the whole job, while the relay was down
	Next       time.Time // not before; zero: now
	LastAnswer string    // why the whole job waits
}

// Deferral is a recipient of a job that is tried again later.
type Deferral struct {
	Job        uint64
	List       uint64
	Recipient  Address
	Mailbox    string
	Member     uint64 // member ID; 0 for a mail of its own
	Attempts   int
	Since      time.Time // first attempt
	Next       time.Time
	LastAnswer string
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
