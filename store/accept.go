package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Acceptance is one post on its way into the log.
type Acceptance struct {
	List       uint64
	MessageID  string
	Content    [32]byte // of the message as it arrived
	References []string // ancestors' Message-IDs, oldest first, the direct parent last; cleaned by package archive
	// Build makes the stored bytes and their description, given the number. It is pure and may run more than once.
	// List, Number, Seq, MessageID, Thread, Parent, Distance and Size are filled in by Accept.
	Build func(number uint64) (raw []byte, p Post, err error)
	// Numbered: what Build makes depends on the number. Otherwise it runs once, outside of the transaction.
	Numbered bool
	// KeepBoth accepts a post whose Message-ID is taken by other content; ErrConflict otherwise.
	KeepBoth bool
	Deliver  bool // make a job
	// Unarchived: the post is distributed and not kept. Its number is that of a removed post.
	Unarchived bool
	Author     Address   // of the job
	InHeader   []Address // of the job
	Held       uint64    // the held post that this approves: it goes in the same commit; ErrNotFound when it is gone
	Member     Address   // whose Approved count grows; empty: nobody's
	Trust      Address   // whose posts need no moderator from now on; empty: nobody's
	// Receipt makes the letter that tells the author, given the number; nil: none. It is pure.
	Receipt func(number uint64) Letter
}

// AcceptResult is the fate of one post in AcceptAll.
type AcceptResult struct {
	Post Post
	Err  error // nil, ErrDuplicate, ErrConflict, ErrNotFound or an error of Build
}

// built is what Build made, compressed.
type built struct {
	number uint64
	size   int
	chunks [][]byte
	post   Post
}

func (a *Acceptance) build(n uint64) (*built, error) {
	raw, p, err := a.Build(n)
	if err != nil {
		return nil, err
	}
	return &built{number: n, size: len(raw), chunks: compress(raw), post: p}, nil
}

// Accept adds a post to the log: number, bytes, thread entry, duplicate key and job in one commit. ErrDuplicate, with
// the post that is there, when a post of the same Message-ID and content exists; without a Message-ID the content
// alone decides. The context is not looked at once the commit has begun.
func (s *Store) Accept(ctx context.Context, a Acceptance) (Post, error) {
	rs, err := s.AcceptAll(ctx, []Acceptance{a})
	if err != nil {
		return Post{}, err
	}
	return rs[0].Post, rs[0].Err
}

// AcceptAll accepts many posts in one commit, in their order; the results are in the same order.
func (s *Store) AcceptAll(ctx context.Context, as []Acceptance) ([]AcceptResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	before, failed := make([]*built, len(as)), make([]error, len(as))
	for i := range as {
		var next uint64
		if as[i].Numbered {
			l, err := s.Log(as[i].List)
			if err != nil {
				return nil, err
			}
			next = l.Last + 1
		}
		before[i], failed[i] = as[i].build(next)
	}
	var results []AcceptResult
	err := s.engine.Update(func(tx Tx) error {
		results = make([]AcceptResult, len(as))
		for i := range as {
			if results[i].Err = failed[i]; failed[i] != nil {
				continue
			}
			p, err := s.accept(tx, &as[i], before[i])
			if err != nil && !errors.Is(err, ErrDuplicate) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
				return err
			}
			results[i] = AcceptResult{p, err}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("accept post: %w", err)
	}
	jobs := false
	lists := map[uint64]bool{}
	for i, r := range results {
		if r.Err == nil {
			lists[as[i].List] = true
			jobs = jobs || as[i].Deliver
		}
	}
	for l := range lists {
		s.postsChanged(l)
	}
	if jobs {
		s.notify(topic{kind: 'o'})
	}
	return results, nil
}

// identity is what a post is known by: its Message-ID, or its content when it has none.
func identity(messageID string, content [32]byte) []byte {
	if messageID == "" {
		return idHash("content " + string(content[:]))
	}
	return idHash(messageID)
}

// accept changes nothing of the log before all that may refuse the post has been checked. Who is trusted is so also when the post came in on
// another way.
func (s *Store) accept(tx Tx, a *Acceptance, b *built) (Post, error) {
	if tx.Get(key(tList, a.List)) == nil {
		return Post{}, fmt.Errorf("list: %w", ErrNotFound)
	}
	var held Held
	if a.Held != 0 {
		var err error
		if held, err = get[Held](tx, key(tHeld, a.Held)); err != nil {
			return Post{}, fmt.Errorf("held post %d: %w", a.Held, err)
		}
	}
	if a.Trust != "" {
		if err := tx.Put(key(tTrust, a.List, a.Trust), present); err != nil {
			return Post{}, err
		}
	}
	id := identity(a.MessageID, a.Content)
	twin, err := seenInLog(tx, a.List, id, a.Content)
	if errors.Is(err, ErrDuplicate) || errors.Is(err, ErrConflict) && !a.KeepBoth {
		p, perr := get[Post](tx, key(tPost, a.List, twin))
		if perr != nil {
			return Post{}, perr
		}
		return p, err
	}
	log, err := getLog(tx, a.List)
	if err != nil {
		return Post{}, err
	}
	n := log.Last + 1
	if a.Numbered && b.number != n {
		if b, err = a.build(n); err != nil {
			return Post{}, err
		}
	}
	p := b.post
	p.List, p.Number, p.MessageID, p.Size, p.Quiet, p.Unarchived = a.List, n, a.MessageID, int64(b.size), !a.Deliver, a.Unarchived
	if p.Content == ([32]byte{}) {
		p.Content = a.Content
	}
	if p.Seq, err = count(tx, seqCounter, 1); err != nil {
		return Post{}, err
	}
	newThread, err := thread(tx, &p, id, twin, a.References)
	if err != nil {
		return Post{}, err
	}
	log.Last, log.Count, log.Bytes, log.Latest = n, log.Count+1, log.Bytes+uint64(b.size), p.Received
	if newThread != 0 {
		log.Threads = uint64(int64(log.Threads) + newThread)
	}
	if err := putPost(tx, p, id, a.Content, b.chunks, log); err != nil {
		return Post{}, err
	}
	if p.Unarchived {
		if err := keepUntilSent(tx, p, b.chunks); err != nil {
			return Post{}, err
		}
	}
	if a.Held != 0 {
		if err := deleteHeld(tx, held); err != nil {
			return Post{}, err
		}
	}
	if a.Member != "" {
		_, err := updateMember(tx, key(tMember, a.List, a.Member), func(m *Member) error { m.Approved++; return nil })
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Post{}, err
		}
	}
	if a.Deliver {
		l, lerr := get[List](tx, key(tList, a.List))
		if lerr != nil {
			return Post{}, lerr
		}
		if _, err := addJob(tx, Job{List: a.List, Number: n, Created: p.Received, Author: a.Author, InHeader: a.InHeader, Waited: l.OnHold, Unarchived: p.Unarchived}); err != nil {
			return Post{}, err
		}
	}
	if a.Receipt != nil {
		letter := a.Receipt(n)
		err = letter.queue(tx)
	}
	return p, err
}

func putPost(tx Tx, p Post, id []byte, arrived [32]byte, chunks [][]byte, log Log) error {
	if err := putChunks(tx, key(tRaw, p.List, p.Number), chunks); err != nil {
		return err
	}
	if err := put(tx, key(tPost, p.List, p.Number), p); err != nil {
		return err
	}
	if err := tx.Put(key(tSeq, p.List, p.Seq), number(p.Number)); err != nil {
		return err
	}
	if err := tx.Put(key(tMessageID, p.List, id, p.Number), append(arrived[:], p.Content[:]...)); err != nil {
		return err
	}
	if err := addToMonth(tx, p); err != nil {
		return err
	}
	return put(tx, key(tLog, p.List), log)
}

// seenInLog returns the first post of an identity: ErrDuplicate when one of them has this content, as it arrived, as
// it was distributed or as it is now, ErrConflict when all have other content, nil when there is none.
func seenInLog(tx Tx, list uint64, id []byte, content [32]byte) (first uint64, err error) {
	prefix := key(tMessageID, list, id)
	for k, c := range tx.Scan(prefix, after(prefix)) {
		if first == 0 {
			first, err = lastNumber(k), ErrConflict
		}
		for known := range slices.Chunk(c, len(content)) {
			if bytes.Equal(known, content[:]) {
				return lastNumber(k), ErrDuplicate
			}
		}
	}
	return first, err
}

// Seen tells whether a post of this Message-ID is in the log or among the held: ErrDuplicate, ErrConflict or nil.
func (s *Store) Seen(list uint64, messageID string, content [32]byte) error {
	return s.engine.View(func(tx Tx) error {
		id := identity(messageID, content)
		_, err := seenInLog(tx, list, id, content)
		if errors.Is(err, ErrDuplicate) {
			return err
		}
		prefix := key(tHeldID, list, id)
		for _, c := range tx.Scan(prefix, after(prefix)) {
			if string(c) == string(content[:]) {
				return ErrDuplicate
			}
			err = ErrConflict
		}
		return err
	})
}
