package moderate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Times of the queue.
const (
	day         = 24 * time.Hour
	expireAfter = 14 * day
	remindEvery = day
)

// maxAttached is how much of a held post goes to the moderators with the notice.
const maxAttached = 1 << 20

// announce tells the moderators that a post waits, and its author, unless a program sent it or the sender is another than the author
// says: then nobody knows whom the notice would trouble.
func (d *Desk) announce(ctx context.Context, p *post.Post, h store.Held) error {
	l := p.List
	staff, err := d.staff(l)
	if err != nil {
		return err
	}
	lang := notice.Language(l.Language)
	if len(staff) == 1 {
		lang = d.Office.Language(l, staff[0])
	}
	m := notice.Mail{Name: "held", List: l, To: staff, Language: lang, ReplyTo: d.Addresses.Confirm(l, d.Addresses.HeldToken(h.ID)),
		Values: notice.Values{"subject": h.Subject, "from": h.From, "id": fmt.Sprint(h.ID), "reasons": reasonLines(lang, h), "until": h.Received.Add(expireAfter).Format(time.DateOnly)}}
	raw := p.Raw
	if len(raw) > maxAttached {
		raw = raw[:archive.Parse(raw).BodyStart]
	}
	m.Attached = []notice.Attachment{{Filename: "post.eml", Type: "message/rfc822", Bytes: raw}}
	if err := d.Office.Send(ctx, notice.Notice, m); err != nil {
		return err
	}
	if p.Sender != h.Author || p.Automatic() != "" {
		return nil
	}
	return d.toAuthor(ctx, "held-author", l, h, notice.Values{"reasons": reasonLines(d.Office.Language(l, h.Author), h)})
}

// tellable says whether the author of a held post may be written to.
func (d *Desk) tellable(h store.Held) (bool, error) {
	if h.Sender == "" || h.Sender != h.Author {
		return false, nil
	}
	raw, err := d.Store.HeldRaw(h.ID)
	if err != nil {
		return false, err
	}
	return post.New(store.List{}, h.Sender, raw, h.Received).Automatic() == "", nil
}

func (d *Desk) toAuthor(ctx context.Context, name string, l store.List, h store.Held, v notice.Values) error {
	v["subject"] = h.Subject
	return d.Office.Send(ctx, notice.Answer, notice.Mail{Name: name, List: l, To: []store.Address{h.Author}, InReplyTo: h.MessageID, Values: v})
}

// Reasons for which a post is held, in a language.
func Reasons(lang string, h store.Held) []string {
	var texts []string
	for _, code := range h.Codes {
		name, limit, _ := strings.Cut(code, " ")
		texts = append(texts, notice.Say(lang, "reason."+name, notice.Values{"limit": limit}))
	}
	return texts
}

func reasonLines(lang string, h store.Held) string {
	return "- " + strings.Join(Reasons(lang, h), "\n- ")
}

// Acknowledge sends a receipt of an accepted post to a member who wants one.
func (d *Desk) Acknowledge(ctx context.Context, p *post.Post, number uint64) error {
	m := p.Member()
	if m == nil || !m.Ack {
		return nil
	}
	return d.Office.Send(ctx, notice.Answer, notice.Mail{Name: "ack", List: p.List, To: []store.Address{m.Address}, InReplyTo: p.Described.Post.MessageID,
		Language: notice.Language(m.Language, p.List.Language), Values: notice.Values{"subject": p.Described.Post.Subject, "number": fmt.Sprint(number)}})
}

func (d *Desk) staff(l store.List) ([]store.Address, error) {
	to, err := d.Office.Staff(l, false)
	if len(to) == 0 {
		to = d.Admins
	}
	return to, err
}

// Remind tells the moderators of every list once a day what waits, and drops what waited for too long with a notice to its author. It may
// be called at any time.
func (d *Desk) Remind(ctx context.Context) error {
	held, err := d.Store.HeldPosts(0)
	if err != nil {
		return err
	}
	now := d.Now()
	waiting := map[uint64][]store.Held{}
	for _, h := range held {
		switch age := now.Sub(h.Received); {
		case age >= expireAfter:
			if err := d.expire(ctx, h); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		case age >= remindEvery:
			waiting[h.List] = append(waiting[h.List], h)
		}
	}
	for list, hs := range waiting {
		if err := d.remind(ctx, list, hs, now); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (d *Desk) expire(ctx context.Context, h store.Held) error {
	l, err := d.Store.ListByID(h.List)
	if err != nil {
		return err
	}
	tell, err := d.tellable(h)
	if err != nil {
		return err
	}
	if err := d.drop("discarded", h, l, "reasons", []string{"nobody decided about it"}); err != nil || !tell {
		return err
	}
	return d.toAuthor(ctx, "expired", l, h, notice.Values{"days": fmt.Sprint(int(expireAfter / day))})
}

func (d *Desk) remind(ctx context.Context, list uint64, hs []store.Held, now time.Time) error {
	const stamp = "held-reminder"
	last, err := d.Store.Stamp(list, stamp)
	if err != nil || now.Sub(last) < remindEvery {
		return err
	}
	l, err := d.Store.ListByID(list)
	if err != nil {
		return err
	}
	staff, err := d.staff(l)
	if err != nil {
		return err
	}
	var posts, commands []string
	for _, h := range hs {
		posts = append(posts, fmt.Sprintf("%d  %s  %s\n   %s", h.ID, h.Received.Format(time.DateOnly), h.From, h.Subject))
		commands = append(commands, fmt.Sprintf("APPROVE %d", h.ID))
	}
	err = d.Office.Send(ctx, notice.Notice, notice.Mail{Name: "reminder", List: l, To: staff, Language: notice.Language(l.Language), Values: notice.Values{
		"count": fmt.Sprint(len(hs)), "posts": strings.Join(posts, "\n"), "commands": strings.Join(commands, "\n"), "days": fmt.Sprint(int(expireAfter / day))}})
	if err != nil {
		return err
	}
	return d.Store.SetStamp(list, stamp, now)
}
