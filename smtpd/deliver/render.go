package deliver

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/smtpd/arc"
	"wesouthasians.org/sangam/smtpd/dkim"
	"wesouthasians.org/sangam/store"
)

// Stamp is what copies get besides the fields of their recipients. Its zero value adds nothing.
type Stamp struct {
	Hostname string            // our name in Authentication-Results, from which a chain is sealed
	Domain   string            // signs mail of the site, as the list's does mail of a list
	Keys     func() []dkim.Key // RSA first; nil: copies are neither signed nor sealed
	// Protected tells whether a domain publishes a policy for which From is rewritten (DMARC quarantine or reject); nil: no look-ups.
	Protected func(ctx context.Context, domain string) bool
}

// renderer makes the copies of one job.
type renderer struct {
	addresses *lists.Addresses
	webURL    string
	stamp     Stamp
	list      store.List
	job       store.Job
	raw       []byte
	now       func() time.Time
	link      func(l store.List, number uint64, a archive.Attachment, until time.Time) string

	mu    sync.Mutex
	forms map[form]*rendition
}

// form of a post that many copies share.
type form struct {
	links    bool // in place of attachments
	sevenBit bool // for remotes without 8BITMIME
}

// rendition is a post in one form.
type rendition struct {
	once    sync.Once
	err     error
	content *Content
	signing *dkim.Message // nil: copies are not signed
}

// rendition does once what copies of a form share: From, the seal, the hash of the body. It may ask the DNS, so it is done by a worker.
func (r *renderer) rendition(ctx context.Context, f form) (*rendition, error) {
	r.mu.Lock()
	v := r.forms[f]
	if v == nil {
		v = &rendition{}
		if r.forms == nil {
			r.forms = map[form]*rendition{}
		}
		r.forms[f] = v
	}
	r.mu.Unlock()
	v.once.Do(func() { v.err = r.make(ctx, f, v) })
	return v, v.err
}

func (r *renderer) make(ctx context.Context, f form, v *rendition) error {
	raw := r.raw
	if f.links {
		linked, taken := r.detach()
		if !taken { // nothing to link: as for the others
			whole, err := r.rendition(ctx, form{sevenBit: f.sevenBit})
			v.content, v.signing = whole.content, whole.signing
			return err
		}
		raw = linked
	}
	raw = sendable(raw)
	if r.rewrites(ctx, raw) {
		raw = rewriteFrom(raw, r.list)
	}
	if f.sevenBit {
		raw = sevenBit(raw)
	}
	if r.stamp.Keys == nil {
		v.content = newContent(raw)
		return nil
	}
	domain := r.list.Domain
	if domain == "" {
		domain = r.stamp.Domain
	}
	keys := r.stamp.Keys()
	seal, err := r.seal(raw, domain, keys[0])
	if err != nil {
		return err
	}
	v.signing = dkim.Prepare(raw, domain, keys)
	v.content = newContent(append(seal, raw...))
	return nil
}

// detach puts links in place of the attachments of a post. They work for so long from the post on.
func (r *renderer) detach() (raw []byte, taken bool) {
	return post.Link(r.raw, func(a archive.Attachment) string {
		return r.link(r.list, r.job.Number, a, r.job.Created.AddDate(0, 0, post.LinkDays))
	})
}

// rewrites tells whether the list becomes the author of the copies.
func (r *renderer) rewrites(ctx context.Context, raw []byte) bool {
	if r.job.Number == 0 || r.list.FromRewrite == "never" {
		return false
	}
	if r.list.FromRewrite == "always" {
		return true
	}
	return r.stamp.Protected != nil && slices.ContainsFunc(archive.ParseHeader(raw).Addresses("From"), func(a store.Address) bool {
		return r.stamp.Protected(ctx, a.Domain())
	})
}

// seal continues the chain of a message that was verified at arrival, RFC 8617 section 5.1.
func (r *renderer) seal(raw []byte, domain string, key dkim.Key) ([]byte, error) {
	for _, told := range archive.ParseHeader(raw).Values("Authentication-Results") {
		id, results, _ := strings.Cut(told, ";")
		if !strings.EqualFold(strings.TrimSpace(id), r.stamp.Hostname) {
			continue
		}
		for result := range strings.SplitSeq(results, ";") {
			found, isARC := strings.CutPrefix(strings.TrimSpace(result), "arc=")
			cv, _, _ := strings.Cut(found, " ")
			if state := arc.Result(cv); isARC && (state == arc.None || state == arc.Pass || state == arc.Fail) {
				return arc.Seal(raw, told, state, domain, key, r.now())
			}
		}
		return nil, nil
	}
	return nil, nil
}

// copy for one recipient.
func (r *renderer) copy(ctx context.Context, rc store.Recipient) (Copy, error) {
	f := form{links: r.job.Number != 0 && r.link != nil && r.list.Archive != "off" && !r.job.Unarchived && (rc.Links || r.list.Attachments == "link")}
	v, err := r.rendition(ctx, f)
	if err != nil {
		return Copy{}, err
	}
	c := r.copyOf(v, rc)
	if v.content.EightBit {
		c.SevenBit = func() (Copy, error) {
			v, err := r.rendition(ctx, form{f.links, true})
			if err != nil {
				return Copy{}, err
			}
			return r.copyOf(v, rc), nil
		}
	}
	return c, nil
}

// copyOf a rendition.
func (r *renderer) copyOf(v *rendition, rc store.Recipient) Copy {
	c := Copy{From: string(r.job.Sender), To: rc.Mailbox, Content: v.content}
	if r.job.ListMail() {
		c.From = r.addresses.VERP(r.list, rc.Member)
	}
	c.Head = sync.OnceValues(func() ([]byte, error) { return r.head(v, c.From, rc) })
	return c
}

// head is what only one copy has. A post gets the return path and the unsubscribe fields of its member (RFC 2369, RFC 8058).
func (r *renderer) head(v *rendition, from string, rc store.Recipient) ([]byte, error) {
	var own []byte
	if r.job.ListMail() {
		own = fmt.Appendf(nil, "Sender: %s\r\n"+
			"List-Unsubscribe: <%s/u/%s>,\r\n\t<mailto:%s>\r\n"+
			"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
			from, r.webURL, r.addresses.UnsubscribeToken(rc.Member), r.addresses.Leave(r.list, rc.Member))
	}
	if v.signing == nil {
		return own, nil
	}
	signatures, err := v.signing.Sign(own, r.now())
	return append(signatures, own...), err
}

// rewriteFrom makes the list the author of the copies and keeps the author in Reply-To, so that an answer to the author
// still works.
func rewriteFrom(raw []byte, l store.List) []byte {
	h := archive.ParseHeader(raw)
	d := archive.Describe(raw, time.Time{})
	title := l.Title
	if title == "" {
		title = l.Name
	}
	name := d.Post.From
	if name == "" {
		name = d.Post.Author.Local()
	}
	fields := post.Field("From", post.Phrase(name+" via "+title)+" <"+string(l.Address())+">")
	replies := h.Addresses("Reply-To")
	drop := []string{"from"}
	if len(replies) == 0 || slices.Contains(replies, l.Address()) { // else the author has chosen where answers go
		drop = append(drop, "reply-to")
		for _, a := range h.Addresses("From") {
			if !slices.Contains(replies, a) {
				replies = append(replies, a)
			}
		}
		var all []string
		for _, a := range replies {
			all = append(all, string(a))
		}
		if len(all) > 0 {
			fields += post.Field("Reply-To", strings.Join(all, ", "))
		}
	}
	out := bytes.NewBufferString(fields)
	dropping := false
	for line := range bytes.Lines(raw[:headerEnd(raw)]) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			dropping = slices.Contains(drop, strings.ToLower(string(bytes.TrimSpace(name))))
		}
		if !dropping {
			out.Write(line)
		}
	}
	out.Write(raw[headerEnd(raw):])
	return out.Bytes()
}

// headerEnd is where the empty line behind the header begins.
func headerEnd(raw []byte) int {
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		return i + 2
	}
	return len(raw)
}
