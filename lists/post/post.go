// Package post decides about a post and makes the bytes that a list distributes: the rules, one ordered table, and the
// transforms, another. Intake and moderation call it; it writes nothing.
package post

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Site is what posts need to know of the site.
type Site struct {
	Hostname      string
	WebURL        string // without a slash at the end
	DefaultDomain string
}

// Post is a message on its way to one list.
type Post struct {
	List      store.List
	Sender    store.Address // envelope sender, empty for the null return path
	Raw       []byte        // as it arrived, lines ending in CRLF
	Header    archive.Header
	Described archive.Description
	Members   []store.Member // memberships of the addresses in From
	Banned    bool           // one of the authors, or the sender
	Trusted   bool           // a moderator trusts the author
	Seen      error          // store.ErrDuplicate, store.ErrConflict or nil
	Received  time.Time
	Auth      Auth
	Suspicion string // of the content check; empty: none

	read *archive.Body // by body
}

// New parses a message. What is stored about its authors LookUp fills in.
func New(l store.List, sender store.Address, raw []byte, received time.Time) *Post {
	raw = archive.CRLF(raw)
	return &Post{List: l, Sender: sender, Raw: raw, Header: archive.ParseHeader(raw),
		Described: archive.Describe(raw, received), Received: received}
}

// Authors are the addresses in From.
func (p *Post) Authors() []store.Address { return p.Header.Addresses("From") }

// maxAuthors whose memberships are looked up.
const maxAuthors = 20

// Records is what a post is judged by.
type Records interface {
	// MemberOf finds the member of a list to whom an address belongs. store.ErrNotFound.
	MemberOf(list uint64, a store.Address) (store.Member, error)
	Banned(list uint64, as ...store.Address) (bool, error)
	Trusted(list uint64, a store.Address) (bool, error)
	// Seen: store.ErrDuplicate, store.ErrConflict or nil.
	Seen(list uint64, messageID string, content [32]byte) error
}

// LookUp fills in what is stored about the authors and whether the message was here before.
func (p *Post) LookUp(r Records) error {
	authors := p.Authors()
	authors = authors[:min(len(authors), maxAuthors)]
	for _, a := range authors {
		m, err := r.MemberOf(p.List.ID, a)
		if err == nil {
			p.Members = append(p.Members, m)
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("find author: %w", err)
		}
	}
	var err error
	if p.Banned, err = r.Banned(p.List.ID, append(authors, p.Sender)...); err != nil {
		return fmt.Errorf("find bans: %w", err)
	}
	if len(authors) > 0 {
		if p.Trusted, err = r.Trusted(p.List.ID, authors[0]); err != nil {
			return fmt.Errorf("find trust: %w", err)
		}
	}
	d := p.Described.Post
	p.Seen = r.Seen(p.List.ID, d.MessageID, d.Content)
	if p.Seen != nil && !errors.Is(p.Seen, store.ErrDuplicate) && !errors.Is(p.Seen, store.ErrConflict) {
		return fmt.Errorf("find duplicates: %w", p.Seen)
	}
	return nil
}

// Unarchived tells whether the author asks that the post not be archived: by X-No-Archive, as Mailman and Usenet know it, or by the field
// Archive of RFC 5536 section 3.2.2.
func (p *Post) Unarchived() bool {
	says := func(name string) string {
		value, _, _ := strings.Cut(p.Header.Get(name), ";")
		return strings.ToLower(strings.TrimSpace(value))
	}
	return p.Header.Has("X-No-Archive") && says("X-No-Archive") != "no" || says("Archive") == "no" || says("X-Archive") == "no"
}

// body is the message as a reader sees it.
func (p *Post) body() *archive.Body {
	if p.read == nil {
		b := archive.Read(p.Raw)
		p.read = &b
	}
	return p.read
}

// Member is the membership that the post is judged by: the one with most rights of those in From.
func (p *Post) Member() *store.Member {
	var best *store.Member
	for i, m := range p.Members {
		if best == nil || m.Role != store.RoleMember && best.Role == store.RoleMember {
			best = &p.Members[i]
		}
	}
	return best
}

// Acceptance is the post as store.Accept takes it.
func (p *Post) Acceptance(site Site) store.Acceptance {
	d := p.Described
	a := store.Acceptance{
		List: p.List.ID, MessageID: d.Post.MessageID, Content: d.Post.Content, References: d.References,
		Numbered: strings.Contains(p.List.SubjectPrefix, "{number}"),
		Deliver:  true, Unarchived: p.Unarchived(), Author: d.Post.Author, InHeader: append(d.To[:len(d.To):len(d.To)], d.Cc...),
		Build: func(number uint64) ([]byte, store.Post, error) {
			raw := Transform(site, p, number)
			built := archive.Describe(raw, p.Received).Post
			built.Received = p.Received
			return raw, built, nil
		},
	}
	if a.MessageID == "" {
		a.MessageID = p.newMessageID(site)
	}
	if m := p.Member(); m != nil {
		a.Author, a.Member = m.Address, m.Address
	}
	return a
}

// Held is the post as store.Hold takes it.
func (p *Post) Held(reasons, codes []string) store.Held {
	d := p.Described.Post
	return store.Held{List: p.List.ID, Sender: p.Sender, Author: d.Author, From: p.Header.Text("From"), Subject: d.Subject,
		MessageID: d.MessageID, Content: d.Content, Reasons: reasons, Codes: codes, Received: p.Received,
		Tell: p.Signed() && p.Automatic() == "" && p.Suspicion == ""}
}
