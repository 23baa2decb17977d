package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// Links makes addresses of attachments that work without login until a day: the key is a MAC over list, post, attachment and day.
type Links struct {
	url, domain string
	signer      signer
}

// NewLinks makes them for a site; the domain is that of lists that are named without theirs.
func NewLinks(st *store.Store, url, domain string) Links {
	return Links{strings.TrimRight(url, "/"), domain, signer{st.Key("attachment")}}
}

// Attachment is the address of an attachment of a post, good to the end of a day (UTC).
func (ls Links) Attachment(l store.List, number uint64, a archive.Attachment, until time.Time) string {
	day := until.UTC().Format(time.DateOnly)
	return fmt.Sprintf("%s/%s/%d/%d/%s?until=%s&key=%s", ls.url, url.PathEscape(l.MailboxName(ls.domain)), number, a.K, url.PathEscape(a.Filename),
		day, ls.key(l, number, a.K, day))
}

func (ls Links) key(l store.List, number uint64, k int, day string) string {
	return ls.signer.sign(fmt.Sprint(l.ID), fmt.Sprint(number), fmt.Sprint(k), day)[:22] // 132 bits
}

func (ls Links) good(l store.List, number uint64, k int, day, key string, now time.Time) bool {
	t, err := time.Parse(time.DateOnly, day)
	return err == nil && now.Before(t.AddDate(0, 0, 1)) && len(key) == 22 && equal(key, ls.key(l, number, k, day))
}

// signed serves an attachment to who has its link; false when the request has none that is good.
func (s *Site) signed(w http.ResponseWriter, r *http.Request, name string) bool {
	key, day := r.URL.Query().Get("key"), r.URL.Query().Get("until")
	number, rest, _ := strings.Cut(r.PathValue("rest"), "/")
	k, _, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseUint(number, 10, 63)
	at, atErr := strconv.Atoi(k)
	if key == "" || err != nil || atErr != nil {
		return false
	}
	l, err := s.Store.ListByMailboxName(name, s.DefaultDomain)
	if err != nil || !NewLinks(s.Store, s.URL, s.DefaultDomain).good(l, n, at, day, key, s.Now()) {
		return false
	}
	x := &reading{Site: s, w: w, r: r, list: l, name: l.MailboxName(s.DefaultDomain)}
	p, err := s.Store.Post(l.ID, n)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.missing(w, r)
	case err != nil:
		s.failed(w, r, err)
	case p.Removed:
		x.gone(p)
	default:
		x.attachment(p, rest)
	}
	return true
}
