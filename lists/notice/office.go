package notice

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"wesouthasians.org/sangam/store"
)

// Kind of mail, for the limits.
type Kind int

// Kinds of mail.
const (
	Notice       Kind = iota // nobody outside can cause many of them
	Answer                   // to somebody's mail
	Lost                     // an answer to a mail without any command, which may be of a program that does not say so
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
	limits *limits
}

// New returns an office.
func New(o Options) *Office { return &Office{Options: o, limits: newLimits()} }

// Language of an address on a list: the member's own, else that of the list, else English. In mail of the site, which is about no list, it
// is that of the first membership.
func (o *Office) Language(l store.List, a store.Address) string {
	if l.ID != 0 {
		m, err := o.Store.Member(l.ID, a)
		if err != nil {
			return Language(l.Language)
		}
		return Language(m.Language, l.Language)
	}
	var wishes []string
	ms, _ := o.Store.MembershipsOf(a) // a mail in English is better than none
	for _, m := range ms {
		wishes = append(wishes, m.Language)
		if l, err := o.Store.ListByID(m.List); err == nil {
			wishes = append(wishes, l.Language)
		}
	}
	return Language(wishes...)
}

// Send queues a mail that tells of no change. Beyond the limits of its kind it is dropped with a line in the log: its recipient has had
// enough of the same.
func (o *Office) Send(ctx context.Context, k Kind, m Mail) error {
	letters, err := o.Write(k, m)
	if err != nil || len(letters) == 0 {
		return err
	}
	if err := o.Store.Send(ctx, letters...); err != nil {
		return fmt.Errorf("notice %s: %w", m.Name, err)
	}
	o.Log.Info("noticed", "notice", m.Name, "list", m.List.Name, "recipient", m.To[0], "recipients", len(m.To), "job", letters[0].ID)
	return nil
}

// Write makes the letter of a mail for who sends it together with the change that it tells of. There is none without a recipient or beyond
// the limits of its kind.
func (o *Office) Write(k Kind, m Mail) ([]store.Letter, error) {
	write, err := o.Draft(k, m)
	if err != nil || write == nil {
		return nil, err
	}
	return []store.Letter{write(nil)}, nil
}

// WriteEach is Write for a notice to several people of a list: one letter in each of their languages, in which mail makes it.
func (o *Office) WriteEach(l store.List, to []store.Address, mail func(lang string) Mail) ([]store.Letter, error) {
	readers := map[string][]store.Address{}
	for _, a := range to {
		lang := o.Language(l, a)
		readers[lang] = append(readers[lang], a)
	}
	var letters []store.Letter
	for _, lang := range slices.Sorted(maps.Keys(readers)) {
		m := mail(lang)
		m.List, m.To, m.Language = l, readers[lang], lang
		written, err := o.Write(Notice, m)
		if err != nil {
			return nil, err
		}
		letters = append(letters, written...)
	}
	return letters, nil
}

// Draft is Write for who knows some of the values only while the change is made. It is nil where Write has no letter.
func (o *Office) Draft(k Kind, m Mail) (write func(more Values) store.Letter, err error) {
	if len(m.To) == 0 || !o.Admit(k, "", m.To[0]) {
		return nil, nil
	}
	now := o.Now()
	if m.Language == "" {
		m.Language = o.Language(m.List, m.To[0])
	}
	own, err := o.Store.Text(m.List.ID, prefix+m.Name)
	if err != nil {
		return nil, fmt.Errorf("notice %s: %w", m.Name, err)
	}
	return func(more Values) store.Letter {
		filled := m
		filled.Values = maps.Clone(m.Values)
		maps.Copy(filled.Values, more)
		return store.NewLetter(store.Job{List: m.List.ID, Created: now.UTC(), To: m.To}, render(filled, own, o.Server, o.Hostname, now))
	}, nil
}

// Admit counts a mail of a kind against the limits of its recipient and of the client that asked for it (empty: none). It is false, with a
// line in the log, when the mail must not go. Who has admitted a mail sends it as a Notice.
func (o *Office) Admit(k Kind, client string, to store.Address) bool {
	reason := o.limits.count(k, client, to, o.Now())
	if reason != "" {
		o.Log.Warn("discarded", "recipient", to, "client", client, "reasons", []string{reason})
	}
	return reason == ""
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
	if text != "" || !slices.Contains(Names(), name) {
		if err := Check(name, text); err != nil {
			return err
		}
	}
	return st.SetText(l.ID, prefix+name, text)
}
