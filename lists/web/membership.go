package web

import (
	"html/template"
	"net/http"

	"wesouthasians.org/sangam/store"
)

// form asks for an address; what is done with it is confirmed by mail.
type form struct {
	Title, Text, Button, Token, Address, Error string
}

var (
	addressForm = template.Must(template.New("").Parse(`<h1 dir="auto">{{.Title}}</h1><p dir="auto">{{.Text}}</p>
{{with .Error}}<p class="error" role="alert">{{.}}</p>{{end}}
<form method="post"><input type="hidden" name="token" value="{{.Token}}">
<label for="address">Mail address</label><input id="address" name="address" type="email" autocomplete="email" required value="{{.Address}}">
<div><button>{{.Button}}</button></div></form>`))
	mailed = template.Must(template.New("").Parse(`<h1>Look into your mail</h1><p>A mail is on its way to <b><bdi>{{.}}</bdi></b>. Answer it, or follow its link, to confirm.</p>`))
)

func (p *pages) join(w http.ResponseWriter, r *http.Request, l store.List) {
	if l.Join == "closed" {
		if !l.Advertised && !l.ReadableBy(false) {
			p.site.Missing(w, r)
			return
		}
		p.render(w, r, http.StatusOK, "Join", byInvitation, l.Name+"-owner@"+l.Domain)
		return
	}
	p.ask(w, r, l, "SUBSCRIBE", form{Title: "Join " + title(l), Text: l.Description, Button: "Join"})
}

var byInvitation = template.Must(template.New("").Parse(`<h1>Join</h1><p>This list takes new members only by invitation. Write to <a href="mailto:{{.}}">{{.}}</a>.</p>`))

func (p *pages) leave(w http.ResponseWriter, r *http.Request, l store.List) {
	p.ask(w, r, l, "UNSUBSCRIBE", form{Title: "Leave " + title(l), Text: "You will get no more mail of this list.", Button: "Leave"})
}

func title(l store.List) string {
	if l.Title != "" {
		return l.Title
	}
	return l.Name
}

// ask shows the form, or mails a request for confirmation. The page says the same whether or not the address is a member's.
func (p *pages) ask(w http.ResponseWriter, r *http.Request, l store.List, command string, f form) {
	show := func(status int) {
		f.Token = p.site.FormToken(w, r)
		p.render(w, r, status, f.Title, addressForm, f)
	}
	if r.Method != http.MethodPost {
		f.Address = string(p.site.Viewer(r).Account)
		show(http.StatusOK)
		return
	}
	if !p.site.Genuine(w, r) || !p.site.AllowForm(w, r) {
		return
	}
	f.Address = r.PostFormValue("address")
	address, err := store.ParseAddress(f.Address)
	if err != nil {
		f.Error = "This is no mail address: write it like name@example.org"
		show(http.StatusBadRequest)
		return
	}
	if err := p.Clerk.Ask(r.Context(), l, f.Address, command+" "+string(l.Address())); err != nil {
		p.sorry(w)
		return
	}
	p.render(w, r, http.StatusOK, "Look into your mail", mailed, string(address))
}
