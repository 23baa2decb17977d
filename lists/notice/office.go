package notice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"wesouthasians.org/sangam/store"
)

// Limits of mail to one address within an hour, so that nobody can have it flooded with our answers.
const (
	maxAnswers       = 20
	maxConfirmations = 5
	window           = time.Hour
	maxTracked       = 50_000 // addresses; beyond, the oldest are forgotten
)

// Kind of mail, for the limits.
type Kind int

// Kinds of mail.
const (
	Notice       Kind = iota // nobody outside can cause many of them
	Answer                   // to somebody's mail
	Confirmation             // a request for confirmation
)

// Options of New.
type Options struct {
	Store    *store.Store
	Hostname string
	Server   string // the default domain, which speaks for the site
	Now      func() time.Time
	Log      *slog.Logger
}

// Office writes and queues mail. It is safe for concurrent use.
type Office struct {
	Options
	mu   sync.Mutex
	sent map[store.Address]*hour
}

// hour is what went to one address: the times of answers and of requests.
type hour struct{ answers, requests []time.Time }

// New returns an office.
func New(o Options) *Office { return &Office{Options: o, sent: map[store.Address]*hour{}} }

// Language of an address on a list: the member's own, else that of the list, else English.
func (o *Office) Language(l store.List, a store.Address) string {
	m, err := o.Store.Member(l.ID, a)
	if err != nil {
		return Language(l.Language)
	}
	return Language(m.Language, l.Language)
}

// Send queues a mail. Beyond the limits of its kind it is dropped with a line in the log: its recipient has had enough of the same.
func (o *Office) Send(ctx context.Context, k Kind, m Mail) error {
	if len(m.To) == 0 {
		return nil
	}
	now := o.Now()
	if k != Notice && !o.allow(k, m.To[0], now) {
		o.Log.Warn("discarded", "notice", m.Name, "recipient", m.To[0], "reasons", []string{"too many answers to this address within an hour"})
		return nil
	}
	if m.Language == "" {
		m.Language = o.Language(m.List, m.To[0])
	}
	own, err := o.Store.Text(m.List.ID, prefix+m.Name)
	if err != nil {
		return fmt.Errorf("notice %s: %w", m.Name, err)
	}
	j, err := o.Store.Enqueue(ctx, store.Job{List: m.List.ID, Created: now.UTC(), To: m.To}, render(m, own, o.Server, o.Hostname, now))
	if err != nil {
		return fmt.Errorf("notice %s: %w", m.Name, err)
	}
	o.Log.Info("noticed", "notice", m.Name, "list", m.List.Name, "recipient", m.To[0], "recipients", len(m.To), "job", j.ID)
	return nil
}

// allow counts a mail against the limits of its address.
func (o *Office) allow(k Kind, to store.Address, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := o.sent[to]
	if h == nil {
		if len(o.sent) >= maxTracked {
			o.sweep(now)
		}
		h = &hour{}
		o.sent[to] = h
	}
	h.answers, h.requests = recent(h.answers, now), recent(h.requests, now)
	if len(h.answers) >= maxAnswers || k == Confirmation && len(h.requests) >= maxConfirmations {
		return false
	}
	h.answers = append(h.answers, now)
	if k == Confirmation {
		h.requests = append(h.requests, now)
	}
	return true
}

func recent(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= window {
		times = times[1:]
	}
	return times
}

func (o *Office) sweep(now time.Time) {
	for a, h := range o.sent {
		if len(recent(h.answers, now)) == 0 {
			delete(o.sent, a)
		}
	}
	if len(o.sent) >= maxTracked {
		o.sent = map[store.Address]*hour{}
	}
}

// Staff are the members of a list who moderate it; owners only when asked for. Of a list without any, nobody.
func (o *Office) Staff(l store.List, ownersOnly bool) ([]store.Address, error) {
	var to []store.Address
	for m, err := range o.Store.Members(l.ID, "") {
		if err != nil {
			return nil, err
		}
		if m.Role == store.RoleOwner || m.Role == store.RoleModerator && !ownersOnly {
			to = append(to, m.Address)
		}
	}
	return to, nil
}

// OwnText is a list's own text of a mail, empty when it has none.
func (o *Office) OwnText(l store.List, name string) (string, error) {
	return o.Store.Text(l.ID, prefix+name)
}

// SetText gives a list its own text of a mail; an empty one brings back that of the program.
func SetText(st *store.Store, l store.List, name, text string) error {
	if text != "" {
		if err := Check(name, text); err != nil {
			return err
		}
	} else if _, ok := catalog()["en"][prefix+name]; !ok {
		return Check(name, "")
	}
	return st.SetText(l.ID, prefix+name, text)
}
