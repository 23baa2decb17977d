// Package web adds the pages by which members act to the site of package archive/web.
package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"

	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/store"
)

// Members is what the pages ask of memberships.
type Members interface {
	Leave(ctx context.Context, member uint64) error
}

// Clerk confirms what tokens stand for, and asks for confirmation by mail.
type Clerk interface {
	Look(token string) (command.Request, error)
	Redeem(ctx context.Context, at store.List, token string, by store.Address, words []string) (command.Answer, error)
	Ask(ctx context.Context, l store.List, mailbox, line string) error
}

// Options of Register.
type Options struct {
	Store     *store.Store
	Addresses *lists.Addresses
	Members   Members
	Clerk     Clerk
}

// Register adds the pages to the site.
func Register(site *web.Site, o Options) {
	p := &pages{site, o}
	site.Handle("GET /u/{token}", p.offer)
	site.Handle("POST /u/{token}", p.unsubscribe)
	site.Handle("GET /c/{token}", p.showRequest)
	site.Handle("POST /c/{token}", p.confirm)
	site.HandleSection("join", p.join)
	site.HandleSection("leave", p.leave)
}

type pages struct {
	site *web.Site
	Options
}

var offer = template.Must(template.New("").Parse(`<h1>Leave {{if .}}<bdi>{{.}}</bdi>{{else}}the list{{end}}</h1>
<p>You will get no more mail of this list.</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">Leave</button></form>`))

// offer shows a button: a link alone must change nothing, for programs follow links.
func (p *pages) offer(w http.ResponseWriter, r *http.Request) {
	id, ok := p.Addresses.ReadUnsubscribe(r.PathValue("token"))
	if !ok {
		p.unknown(w, r)
		return
	}
	name := ""
	if m, err := p.Store.MemberByID(id); err == nil {
		if l, err := p.Store.ListByID(m.List); err == nil {
			name = string(l.Address())
		}
	} else if errors.Is(err, store.ErrNotFound) {
		p.done(w, r)
		return
	}
	p.render(w, r, http.StatusOK, "Leave the list", offer, name)
}

// unsubscribe is one click (RFC 8058): by POST, without login, cookie or form token, for mail programs send it. The token
// is the right to do it.
func (p *pages) unsubscribe(w http.ResponseWriter, r *http.Request) {
	id, ok := p.Addresses.ReadUnsubscribe(r.PathValue("token"))
	if !ok {
		p.unknown(w, r)
		return
	}
	if err := p.Members.Leave(r.Context(), id); err != nil {
		http.Error(w, "This did not work. Try again later, or write to the list's owner.", http.StatusInternalServerError)
		return
	}
	p.done(w, r)
}

var (
	left  = template.Must(template.New("").Parse(`<h1>You have left the list</h1><p>No more mail of it will come to you. Posts that are on their way may still arrive.</p>`))
	wrong = template.Must(template.New("").Parse(`<h1>Not found</h1><p>This link is not whole. Copy it again from a mail of the list, or write to the list's owner.</p>`))
)

func (p *pages) done(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "You have left the list", left, nil)
}

func (p *pages) unknown(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusNotFound, "Not found", wrong, nil)
}
