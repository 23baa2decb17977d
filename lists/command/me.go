package command

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	ms, err := a.Store.MembershipsOf(a.who.address)
	if err != nil {
		return nil, false, err
	}
	var memberships []map[string]any
	names := map[uint64]string{}
	for _, m := range ms {
		l, err := a.Store.ListByID(m.List)
		if err != nil {
			return nil, false, err
		}
		row := m.Values()
		row["list"], row["joined"], row["posts_approved"] = string(l.Address()), m.Joined.Format(time.RFC3339), m.Approved
		row["bounce_score"], row["bounce_state"], row["last_answer"] = m.Failure.CurrentScore(a.Now()), m.Failure.State(a.Now()), m.Failure.Answer
		memberships = append(memberships, row)
	}
	aliases, err := a.Store.Aliases(a.who.address)
	if err != nil {
		return nil, false, err
	}
	account := map[string]any{"address": a.who.address, "earlier_addresses": aliases, "password": false}
	if acc, err := a.Store.Account(a.who.address); err == nil {
		account["password"], account["created"] = len(acc.Password) > 0, acc.Created.Format(time.RFC3339)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, false, err
	}
	posts, err := a.Store.PostsBy(a.who.address)
	if err != nil {
		return nil, false, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	file := func(name string, v any) error {
		w, err := z.Create(name)
		if err != nil {
			return err
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	if err := errors.Join(file("account.json", account), file("memberships.json", memberships)); err != nil {
		return nil, false, err
	}
	size, whole := 0, true
	for _, p := range posts {
		raw, err := a.Store.Raw(p.List, p.Number)
		if err != nil {
			continue // removed a moment ago
		}
		if size += len(raw); size > maxExport {
			whole = false
			break
		}
		if names[p.List] == "" {
			l, err := a.Store.ListByID(p.List)
			if err != nil {
				return nil, false, err
			}
			names[p.List] = l.Name
		}
		w, err := z.Create(fmt.Sprintf("posts/%s/%d.eml", names[p.List], p.Number))
		if err != nil {
			return nil, false, err
		}
		if _, err := w.Write(raw); err != nil {
			return nil, false, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, false, err
	}
	return out.Bytes(), whole, nil
}

// forget deletes what is stored about who asks, and says what stays.
func forget(a *act, _ context.Context, c call) (string, error) {
	if !meant(c) {
		return a.helpLine(*c.command), nil
	}
	if !a.confirmed {
		return a.later(a.who, store.List{}, "FORGET ME"), nil
	}
	posts, err := a.Store.PostsBy(a.who.address)
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
