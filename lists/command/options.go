package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// option is a word of SET. It takes the words behind it that it needs and returns how many.
type option struct {
	word string
	set  func(m *store.Member, args []string, now time.Time) (int, error)
}

func put(key, value string) func(*store.Member, []string, time.Time) (int, error) {
	return func(m *store.Member, _ []string, _ time.Time) (int, error) { return 0, m.Set(key, value) }
}

var (
	errMissing = errors.New("a word is missing behind the option")
	errPast    = errors.New("the date is past")
)

// putNext takes its value from the next word.
func putNext(key string) func(*store.Member, []string, time.Time) (int, error) {
	return func(m *store.Member, args []string, _ time.Time) (int, error) {
		if len(args) == 0 {
			return 0, errMissing
		}
		return 1, m.Set(key, strings.ToLower(args[0]))
	}
}

var options = []option{
	{"MAIL", mail}, {"NOMAIL", noMail}, {"EACH", each}, {"NODIGEST", each}, {"DIGEST", digest}, {"DIGEST-TEXT", put("delivery", "digest-text")},
	{"INDEX", put("delivery", "index")}, {"NONE", put("delivery", "none")}, {"ACK", put("ack", "true")}, {"NOACK", put("ack", "false")},
	{"REPRO", put("own_posts", "true")}, {"NOREPRO", put("own_posts", "false")}, {"CONCEAL", put("conceal", "true")}, {"NOCONCEAL", put("conceal", "false")},
	{"DUPLICATES", put("no_duplicates", "false")}, {"NODUPLICATES", put("no_duplicates", "true")},
	{"LANGUAGE", putNext("language")}, {"ATTACHMENTS", putNext("attachments")}, {"UNTIL", until},
}

// mail ends a pause or a suspension; otherwise it asks for each post.
func mail(m *store.Member, _ []string, now time.Time) (int, error) {
	paused := m.Until.After(now) || !m.Failure.Suspended.IsZero()
	m.Until, m.Failure = time.Time{}, store.Failure{Count: m.Failure.Count}
	if !paused || m.Delivery == store.DeliverNone {
		m.Delivery = store.DeliverEach
	}
	return 0, nil
}

func each(m *store.Member, _ []string, _ time.Time) (int, error) {
	m.Delivery = store.DeliverEach
	return 0, nil
}

func digest(m *store.Member, args []string, _ time.Time) (int, error) {
	m.Delivery = store.DeliverDigest
	if len(args) > 0 && strings.EqualFold(args[0], "TEXT") {
		m.Delivery = store.DeliverDigestText
		return 1, nil
	}
	return 0, nil
}

// noMail stops mail: for good, or UNTIL a date, after which all is as before.
func noMail(m *store.Member, args []string, now time.Time) (int, error) {
	if len(args) > 0 && strings.EqualFold(args[0], "UNTIL") {
		n, err := until(m, args[1:], now)
		return n + 1, err
	}
	m.Delivery = store.DeliverNone
	return 0, nil
}

func until(m *store.Member, args []string, now time.Time) (int, error) {
	if len(args) == 0 {
		return 0, errMissing
	}
	if err := m.Set("until", strings.ToUpper(strings.Trim(args[0], ",;."))); err != nil {
		return 1, err
	}
	if !m.Until.After(now) {
		return 1, errPast
	}
	return 1, nil
}

// setAll sets options of a member; the text says what is wrong with them.
func (a *act) setAll(m *store.Member, args []string) string {
	for i := 0; i < len(args); i++ {
		word := strings.ToUpper(strings.Trim(args[i], marks))
		found := false
		for _, o := range options {
			if o.word != word {
				continue
			}
			found = true
			n, err := o.set(m, args[i+1:], a.Now())
			if err != nil {
				given := append([]string{word}, args[i+1:min(i+1+n, len(args))]...)
				return a.say("bad-value", notice.Values{"given": cut(strings.Join(given, " "), 100), "example": a.example(word)})
			}
			i += n
		}
		if !found {
			var all []string
			for _, o := range options {
				all = append(all, o.word)
			}
			return a.say("bad-option", notice.Values{"option": cut(args[i], 60), "options": strings.Join(all, " ")})
		}
	}
	return ""
}

// example of an option with what stands behind it.
func (a *act) example(word string) string {
	switch word {
	case "LANGUAGE":
		return "LANGUAGE hi"
	case "ATTACHMENTS":
		return "ATTACHMENTS link"
	}
	return "NOMAIL UNTIL " + a.Now().AddDate(0, 1, 0).Format(time.DateOnly)
}

// set changes options of who asks, or FOR another when the staff asks.
func set(a *act, ctx context.Context, c call) (string, error) {
	args, who := c.args, a.who
	if n := len(args); n > 1 && strings.EqualFold(args[n-2], "FOR") {
		other, err := a.other(args[n-1])
		if err != nil {
			return a.say("bad-address", notice.Values{"address": cut(args[n-1], 100)}), nil
		}
		if c.all || !staff(a.role(c.list)) {
			return a.sayOf(c.list, "owners-only", nil), nil
		}
		who, args = other, args[:n-2]
	}
	if len(args) == 0 {
		return a.say("no-options", notice.Values{"example": "SET " + listWord(c) + " DIGEST"}), nil
	}
	if text := a.setAll(&store.Member{}, args); text != "" {
		return text, nil
	}
	var ls []store.List
	if !c.all {
		ls = []store.List{c.list}
	}
	ms, err := a.memberships(who.address, ls)
	if err != nil {
		return "", err
	}
	if len(ms) == 0 {
		if c.all {
			return a.say("no-memberships", notice.Values{"member": string(who.address)}), nil
		}
		name := "not-member-hint"
		if who.address != a.who.address {
			name = "not-member"
		}
		return a.sayOf(c.list, name, notice.Values{"member": string(who.address)}), nil
	}
	if !a.confirmed {
		line := "SET " + listWord(c) + " " + strings.Join(c.args, " ")
		return a.later(a.who, c.list, line), nil
	}
	var texts []string
	for _, m := range ms {
		l, err := a.Store.ListByID(m.List)
		if err != nil {
			return "", err
		}
		m, err = a.Store.UpdateMember(m.List, m.Address, func(m *store.Member) error {
			a.setAll(m, args)
			return nil
		})
		if err != nil {
			return "", err
		}
		a.Log.Info("set", "list", l.Address(), "member", m.Address, "options", args)
		texts = append(texts, a.options(l, m))
	}
	return strings.Join(texts, "\n\n"), nil
}

// listWord is how a list stands in a command.
func listWord(c call) string {
	if c.all {
		return "*"
	}
	return string(c.list.Address())
}

// options of a member as a command that would set them.
func (a *act) options(l store.List, m store.Member) string {
	words := []string{strings.ToUpper(string(m.Delivery))}
	choose := func(yes bool, word string) {
		if !yes {
			word = "NO" + word
		}
		words = append(words, word)
	}
	choose(m.Ack, "ACK")
	choose(m.OwnPosts, "REPRO")
	choose(m.Conceal, "CONCEAL")
	choose(!m.NoDuplicates, "DUPLICATES")
	if m.Language != "" {
		words = append(words, "LANGUAGE "+m.Language)
	}
	words = append(words, "ATTACHMENTS "+m.Attachments)
	if m.Until.After(a.Now()) {
		words = append(words, "UNTIL "+m.Until.Format(time.RFC3339))
	}
	return a.sayOf(l, "options-set", notice.Values{"member": string(m.Address)}) + "\n" + "SET " + l.MailboxName(a.Default) + " " + strings.Join(words, " ")
}

// query shows options.
func query(a *act, _ context.Context, c call) (string, error) {
	var ls []store.List
	if !c.all {
		ls = []store.List{c.list}
	}
	ms, err := a.memberships(a.who.address, ls)
	if err != nil {
		return "", err
	}
	if len(ms) == 0 && !c.all {
		return a.sayOf(c.list, "not-member-hint", nil), nil
	}
	if len(ms) == 0 {
		return a.say("no-memberships", notice.Values{"member": string(a.who.address)}), nil
	}
	var texts []string
	for _, m := range ms {
		l, err := a.Store.ListByID(m.List)
		if err != nil {
			return "", err
		}
		texts = append(texts, a.options(l, m))
	}
	return strings.Join(texts, "\n\n"), nil
}
