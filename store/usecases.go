package store

// This file is the outline that the files of the use cases replace; each signature moves to the file of its noun.

import (
	"context"
	"io"
	"iter"
	"time"
)

// Store is open on one engine. It is safe for concurrent use.
type Store struct{ engine Engine }

// Open reads or makes the site record (format version, site key) and migrates an older layout.
func Open(engine Engine) (*Store, error)           { panic("outline") }
func (s *Store) Close() error                      { panic("outline") }
func (s *Store) Backup(w io.Writer) (int64, error) { panic("outline") }

// Key returns a key derived from the site key for one purpose ("verp", "unsubscribe", …): 32 bytes.
func (s *Store) Key(purpose string) []byte { panic("outline") }

// Writable fails when a small write fails (disk full, read-only).
func (s *Store) Writable() error { panic("outline") }

// ---- changes: a channel that is closed at the next change. Take it, look, then wait.

// PostsChanged is closed when a post of the list was accepted or removed; list 0: of any list.
func (s *Store) PostsChanged(list uint64) <-chan struct{} { panic("outline") }

// FlagsChanged is closed when a flag of the account changed.
func (s *Store) FlagsChanged(account Address) <-chan struct{} { panic("outline") }

// OutboxChanged is closed when a job was added or made due (RetryNow).
func (s *Store) OutboxChanged() <-chan struct{} { panic("outline") }

// ---- lists

// CreateList gives the list its ID and UIDValidity. ErrExists when the address is taken.
func (s *Store) CreateList(l List, owners ...Member) (List, error) { panic("outline") }
func (s *Store) List(a Address) (List, error)                      { panic("outline") } // ErrNotFound
func (s *Store) ListByID(id uint64) (List, error)                  { panic("outline") }
func (s *Store) Lists() ([]List, error)                            { panic("outline") } // by address
// UpdateList runs change on the stored list and keeps the result; ID, name, domain and UIDValidity stay.
func (s *Store) UpdateList(id uint64, change func(*List) error) (List, error) { panic("outline") }
func (s *Store) RenameList(id uint64, to Address) (List, error)               { panic("outline") }

// RemoveList deletes the list, its members, posts, held posts and jobs, in bounded transactions.
func (s *Store) RemoveList(id uint64) error   { panic("outline") }
func (s *Store) Log(list uint64) (Log, error) { panic("outline") }

// ---- members

// MemberID is derived from the site key, list and address: it needs no row and is the same again after rejoining.
func (s *Store) MemberID(list uint64, a Address) uint64 { panic("outline") }
func (s *Store) NewMember(list uint64, mailbox string, now time.Time) (Member, error) {
	panic("outline")
}                                                              // defaults
func (s *Store) AddMember(m Member) error                      { panic("outline") } // ErrExists
func (s *Store) AddMembers(ms []Member) (added int, err error) { panic("outline") } // existing ones are left alone; bounded transactions
func (s *Store) Member(list uint64, a Address) (Member, error) { panic("outline") } // ErrNotFound
func (s *Store) MemberByID(id uint64) (Member, error)          { panic("outline") } // ErrNotFound
func (s *Store) UpdateMember(list uint64, a Address, change func(*Member) error) (Member, error) {
	panic("outline")
}
func (s *Store) RemoveMember(list uint64, a Address) error                   { panic("outline") } // ErrNotFound
func (s *Store) Members(list uint64, after Address) iter.Seq2[Member, error] { panic("outline") } // address order, read in batches
func (s *Store) CountMembers(list uint64) (int, error)                       { panic("outline") } // from a counter
func (s *Store) MembershipsOf(a Address) ([]Member, error)                   { panic("outline") }

// ---- accounts

func (s *Store) Account(a Address) (Account, error)                      { panic("outline") }
func (s *Store) SetPassword(a Address, hash []byte, now time.Time) error { panic("outline") } // makes the account when new

// ---- posts

// Acceptance is one post on its way into the log.
type Acceptance struct {
	List       uint64
	MessageID  string
	Content    [32]byte
	References []string // ancestors' Message-IDs, oldest first, the direct parent last; cleaned by package archive
	// Build makes the stored bytes and their description, given the number. It is pure and may run more than once.
	// List, Number, Seq, MessageID, Content, Thread, Parent, InReplyTo, Depth and Size are filled in by Accept.
	Build func(number uint64) (raw []byte, p Post, err error)
	// KeepBoth accepts a post whose Message-ID is taken by other content (ErrConflict otherwise).
	KeepBoth bool
	Deliver  bool      // make a job
	Author   Address   // of the job
	InHeader []Address // of the job
	Held     uint64    // the held post that this approves: it goes in the same commit; ErrNotFound when it is gone
	Member   Address   // whose Approved count grows; empty: nobody's
}

// Accept adds a post to the log: number, bytes, thread entry, duplicate key and job in one commit. ErrDuplicate (with the
// post that is there) when a post of the same Message-ID and content exists; an empty MessageID is keyed by content.
func (s *Store) Accept(ctx context.Context, a Acceptance) (Post, error) { panic("outline") }

// AcceptAll accepts many in one commit, for imports; results[i] tells of as[i].
func (s *Store) AcceptAll(ctx context.Context, as []Acceptance) (results []AcceptResult, err error) {
	panic("outline")
}

// AcceptResult is the fate of one post in AcceptAll.
type AcceptResult struct {
	Post Post
	Err  error // nil, ErrDuplicate, ErrConflict or an error of Build
}

// Seen tells whether a post of this Message-ID is in the log (or among the held): ErrDuplicate, ErrConflict or nil.
func (s *Store) Seen(list uint64, messageID string, content [32]byte) error { panic("outline") }

func (s *Store) Post(list, number uint64) (Post, error) { panic("outline") } // ErrNotFound; a removed post is returned with Removed
// Posts yields posts from <= number <= to (removed ones too), read in batches of at most 256 with no transaction held
// while the caller works. PostsBack the same from newest to oldest.
func (s *Store) Posts(list, from, to uint64) iter.Seq2[Post, error]     { panic("outline") }
func (s *Store) PostsBack(list, from, to uint64) iter.Seq2[Post, error] { panic("outline") }
func (s *Store) Raw(list, number uint64) ([]byte, error)                { panic("outline") } // ErrNotFound when removed
// WriteRaw streams the stored bytes.
func (s *Store) WriteRaw(w io.Writer, list, number uint64) error           { panic("outline") }
func (s *Store) PostsByMessageID(list uint64, id string) ([]uint64, error) { panic("outline") } // ascending numbers
func (s *Store) RemovePost(list, number uint64) error                      { panic("outline") } // bytes go, number stays
// Removed returns the numbers of removed posts in ascending order.
func (s *Store) Removed(list uint64) ([]uint64, error) { panic("outline") }

// Sequences yields (seq, number) of the posts of a list that are not removed, in order, from seq on: for INBOX.
func (s *Store) Sequences(list, fromSeq uint64) iter.Seq2[uint64, uint64] { panic("outline") }

// ---- threads and months

func (s *Store) Thread(list, id uint64) (Thread, error) { panic("outline") } // follows merges
// Threads by latest post, newest first, starting before the given place (LatestNumber; 0: from the newest).
func (s *Store) Threads(list, before uint64, limit int) ([]Thread, error) { panic("outline") }

// ThreadPosts in order of their numbers. (The page orders them as a tree by Parent.)
func (s *Store) ThreadPosts(list, id uint64) ([]Post, error) { panic("outline") }

// Month counts posts of a month (UTC, by Post.Date).
type Month struct {
	Month string // 2026-11
	Posts int
}

func (s *Store) Months(list uint64) ([]Month, error)                         { panic("outline") } // newest first
func (s *Store) MonthPosts(list uint64, month string) iter.Seq2[Post, error] { panic("outline") } // by Date

// ---- held

func (s *Store) Hold(ctx context.Context, h Held, raw []byte) (Held, error) { panic("outline") } // gives the ID
func (s *Store) HeldPost(id uint64) (Held, error)                           { panic("outline") }
func (s *Store) HeldRaw(id uint64) ([]byte, error)                          { panic("outline") }
func (s *Store) HeldPosts(list uint64) ([]Held, error)                      { panic("outline") } // list 0: all; oldest first
func (s *Store) DropHeld(id uint64) error                                   { panic("outline") } // rejected or discarded

// ---- flags: an account's own. Bitmaps in chunks, so that counting needs no scan of the posts.

// Flags of an account on a list: for each flag (canonical spelling: \Seen, \Answered, \Flagged, keywords as given) its numbers.
type Flags map[string]NumSet

func (s *Store) Flags(account Address, list uint64) (Flags, error) { panic("outline") }

// FlagChange adds and removes flags of some posts of a list.
type FlagChange struct {
	List        uint64
	Numbers     []uint64
	Add, Remove []string
	Replace     bool // Add becomes the whole set
}

func (s *Store) ChangeFlags(account Address, changes []FlagChange) error { panic("outline") }

// Subscriptions of an account in IMAP, by mailbox name; nil with ok false when it never changed any.
func (s *Store) Subscriptions(account Address) (names []string, ok bool, err error) { panic("outline") }
func (s *Store) SetSubscriptions(account Address, names []string) error             { panic("outline") }

// ---- INBOX: each account has UIDs of its own for the posts of its lists.

// InboxSpan maps a range of INBOX UIDs to posts: UIDs from UID on are the posts of List numbered from Number on (when List is
// not 0), or the posts with Seq from Seq on of whatever list of the account (List 0).
// The store helper defines the exact shape; package imapd needs: all entries of an account's INBOX in UID order.
type InboxEntry struct {
	UID          uint32
	List, Number uint64
}

// Inbox yields the posts of the account's lists (removed ones left out) in UID order, from uid on. A post has the same UID for ever;
// posts of a list joined later get UIDs above all others; after leaving a list its entries are gone.
func (s *Store) Inbox(account Address, from uint32) iter.Seq2[InboxEntry, error] { panic("outline") }

// InboxNext is the UIDNEXT of the account's INBOX.
func (s *Store) InboxNext(account Address) (uint32, error) { panic("outline") }

// ---- outbox

// Enqueue queues a mail of its own: raw is whole but for what delivery adds.
func (s *Store) Enqueue(ctx context.Context, j Job, raw []byte) (Job, error) { panic("outline") }
func (s *Store) Job(id uint64) (Job, error)                                  { panic("outline") }
func (s *Store) JobRaw(j Job) ([]byte, error)                                { panic("outline") } // the post's or its own bytes
func (s *Store) Jobs() ([]Job, error)                                        { panic("outline") } // not done, oldest first

// Claim reads up to n recipients of a job after the given address (empty: after the job's cursor) that want the post: delivery, until,
// own_posts, no_duplicates and Joined are applied here. last is the key to go on from; more tells whether members follow. It writes nothing.
// For a mail of its own the recipients are Job.To.
func (s *Store) Claim(j Job, after Address, n int, now time.Time) (rs []Recipient, last Address, more bool, err error) {
	panic("outline")
}

// Recipient of a copy.
type Recipient struct {
	Member      uint64 // member ID; 0 for a mail of its own
	Address     Address
	Mailbox     string
	Attachments string
	Attempts    int       // earlier ones, for a deferral
	Since       time.Time // first attempt, for a deferral
}

// Due reads up to n deferrals whose time has come, and when the next one is due (zero: none waits).
func (s *Store) Due(now time.Time, n int) (ds []Deferral, next time.Time, err error) {
	panic("outline")
}

// Settlement writes the fates of claimed recipients: nothing for a delivered one but the cursor's move.
type Settlement struct {
	Job       uint64
	Cursor    Address      // members up to here are settled; empty: unchanged (deferrals)
	Exhausted bool         // no member follows Cursor
	Deferred  []Deferral   // new or again
	Done      []Address    // recipients with a deferral that are delivered, failed or gone
	Failed    []FailedCopy // permanent: recorded at the member
	Whole     *Wait        // the whole job waits (relay down), or nil: that ended
}

// Wait is why and until when a whole job waits.
type Wait struct {
	Attempts int
	Next     time.Time
	Answer   string
}

// FailedCopy is a copy that a remote refused for good or that was tried for too long.
type FailedCopy struct {
	Member    uint64
	Recipient Address
	Answer    string
	At        time.Time
}

// Settle writes many settlements in one commit. A job that is exhausted with nothing waiting is deleted, and with it the bytes of
// a post whose list has archive = off.
func (s *Store) Settle(ctx context.Context, ss []Settlement) error { panic("outline") }

func (s *Store) Deferrals(job uint64) ([]Deferral, error) { panic("outline") } // job 0: all
// RetryNow makes a job (0: all) and its deferrals due now.
func (s *Store) RetryNow(job uint64, now time.Time) error { panic("outline") }
func (s *Store) DropJob(job uint64) error                 { panic("outline") }

// CountWaiting members of a job that are not settled: for queue ls.
func (s *Store) CountWaiting(j Job) (int, error) { panic("outline") }

// ListByMailboxName finds what List.MailboxName named (case-insensitive). ErrNotFound.
func (s *Store) ListByMailboxName(name, defaultDomain string) (List, error) { panic("outline") }

// Authenticate checks a password in time that does not tell whether the account exists.
func (s *Store) Authenticate(a Address, password string) (Account, bool) { panic("outline") }

// HashPassword makes what Account.Password holds (argon2id).
func HashPassword(password string) []byte { panic("outline") }
