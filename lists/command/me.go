package command

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// maxExport is how many bytes of posts go into one export.
const maxExport = 10 << 20

// meant tells whether ME stands behind the command, so that nobody is forgotten by a stray word.
func meant(c call) bool { return len(c.args) == 1 && strings.EqualFold(c.args[0], "ME") }

// export mails who asks a zip of what is stored about them.
func export(a *act, ctx context.Context, c call) (string, error) {
	if !meant(c) {
		return a.helpLine(*c.command), nil
	}
	if !a.confirmed {
		return a.later(a.who, store.List{}, "EXPORT ME"), nil
	}
	b, whole, err := a.exported()
	if err != nil {
		return "", err
	}
	note := a.say("export-all", nil)
	if !whole {
		note = a.say("export-cut", nil)
	}
	err = a.Office.Send(ctx, notice.Answer, notice.Mail{Name: "export", To: []store.Address{a.who.address}, Language: a.lang,
		Values:   notice.Values{"member": string(a.who.address), "note": note},
		Attached: []notice.Attachment{{Filename: "sangam-export.zip", Type: "application/zip", Bytes: b}}})
	return "", err
}

// exported is the zip; whole is false when posts were left out for their size.
func (a *act) exported() (b []byte, whole bool, err error) {
	aliases, err := a.Store.Aliases(a.who.address)
	if err != nil {
		return nil, false, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range []struct {
		name string
		read func() (any, error)
	}{
		{"account.json", func() (any, error) { return a.exportAccount(aliases) }}, {"memberships.json", a.exportMemberships},
		{"flags.json", a.exportFlags}, {"held.json", a.exportHeld},
	} {
		v, err := f.read()
		if err != nil {
			return nil, false, fmt.Errorf("export %s: %w", f.name, err)
		}
		w, err := z.Create(f.name)
		if err != nil {
			return nil, false, err
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			return nil, false, err
		}
	}
	if whole, err = a.exportPosts(z, append(aliases, a.who.address)); err != nil {
		return nil, false, fmt.Errorf("export posts: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, false, err
	}
	return out.Bytes(), whole, nil
}

func (a *act) exportAccount(aliases []store.Address) (any, error) {
	account := map[string]any{"address": a.who.address, "earlier_addresses": aliases, "password": false}
	acc, err := a.Store.Account(a.who.address)
	if err == nil {
		account["password"], account["created"] = len(acc.Password) > 0, acc.Created.Format(time.RFC3339)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	names, changed, err := a.Store.Subscriptions(a.who.address)
	if changed {
		account["imap_subscriptions"] = names
	}
	return account, err
}

func (a *act) exportMemberships() (any, error) {
	memberships := []map[string]any{}
	ms, err := a.Store.MembershipsOf(a.who.address)
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		l, err := a.Store.ListByID(m.List)
		if err != nil {
			return nil, err
		}
		row := m.Values()
		row["list"], row["joined"], row["posts_approved"] = string(l.Address()), m.Joined.Format(time.RFC3339), m.Approved
		row["bounce_score"], row["bounce_state"], row["last_answer"] = m.Failure.CurrentScore(a.Now()), m.Failure.State(a.Now()), m.Failure.Answer
		memberships = append(memberships, row)
	}
	return memberships, nil
}

// exportFlags are the marks that the account has set, by list and flag, with the numbers of the posts.
func (a *act) exportFlags() (any, error) {
	all := map[string]map[string][]uint64{}
	ls, err := a.Store.Lists()
	if err != nil {
		return nil, err
	}
	for _, l := range ls {
		flags, err := a.Store.Flags(a.who.address, l.ID)
		if err != nil {
			return nil, err
		}
		for name, set := range flags {
			if all[string(l.Address())] == nil {
				all[string(l.Address())] = map[string][]uint64{}
			}
			all[string(l.Address())][name] = slices.Collect(set.All())
		}
	}
	return all, nil
}

// exportHeld are posts that wait for a moderator.
func (a *act) exportHeld() (any, error) {
	waiting := []map[string]any{}
	hs, err := a.Store.HeldPosts(0)
	for _, h := range hs {
		if h.Author == a.who.address {
			waiting = append(waiting, map[string]any{"id": h.ID, "subject": h.Subject, "received": h.Received.Format(time.RFC3339)})
		}
	}
	return waiting, err
}

func (a *act) exportPosts(z *zip.Writer, by []store.Address) (whole bool, err error) {
	posts, err := a.Store.PostsBy(by...)
	if err != nil {
		return false, err
	}
	names, size := map[uint64]string{}, 0
	for _, p := range posts {
		raw, err := a.Store.Raw(p.List, p.Number)
		if errors.Is(err, store.ErrNotFound) {
			continue // removed a moment ago
		}
		if err != nil {
			return false, err
		}
		if size += len(raw); size > maxExport {
			return false, nil
		}
		if names[p.List] == "" {
			l, err := a.Store.ListByID(p.List)
			if err != nil {
				return false, err
			}
			names[p.List] = l.MailboxName(a.Default)
		}
		w, err := z.Create(fmt.Sprintf("posts/%s/%d.eml", names[p.List], p.Number))
		if err != nil {
			return false, err
		}
		if _, err := w.Write(raw); err != nil {
			return false, err
		}
	}
	return true, nil
}

// forget deletes what is stored about who asks, and says what stays.
func forget(a *act, _ context.Context, c call) (string, error) {
	if !meant(c) {
		return a.helpLine(*c.command), nil
	}
	if !a.confirmed {
		return a.later(a.who, store.List{}, "FORGET ME"), nil
	}
	aliases, err := a.Store.Aliases(a.who.address)
	if err != nil {
		return "", err
	}
	posts, err := a.Store.PostsBy(append(aliases, a.who.address)...)
	if err != nil {
		return "", err
	}
	ended, err := a.Store.Forget(a.who.address)
	if err != nil {
		return "", err
	}
	a.Log.Info("forgotten", "memberships", ended)
	return a.say("forgotten", notice.Values{"member": string(a.who.address), "count": fmt.Sprint(ended), "posts": fmt.Sprint(len(posts))}), nil
}
