package web

import (
	"errors"
	"html/template"
	"net/http"
	"strings"

	"wesouthasians.org/sangam/store"
)

var asked = template.Must(template.New("").Parse(`<h1>Please confirm</h1>
{{with .Address}}<p>For the address <b><bdi>{{.}}</bdi></b>:</p>{{end}}
<ul>{{range .Lines}}<li dir="auto">{{.}}</li>{{end}}</ul>
<form method="post">{{if .Decisions}}{{range .Decisions}}
<button name="word" value="{{.}}">{{.}}</button>{{end}}
<label for="reason">Reason, for REJECT</label><input id="reason" name="reason" maxlength="500">{{else}}
<button name="word" value="OK">Confirm</button> <button class="quiet" name="word" value="NO">Withdraw</button>{{end}}</form>`))

// showRequest shows what a token stands for, with a button: a link alone must change nothing, for programs follow links.
func (p *pages) showRequest(w http.ResponseWriter, r *http.Request) {
	request, err := p.Clerk.Look(r.PathValue("token"))
	if errors.Is(err, store.ErrNotFound) {
		p.render(w, r, http.StatusNotFound, "Not found", ended, nil)
		return
	}
	if err != nil {
		p.sorry(w)
		return
	}
	p.render(w, r, http.StatusOK, "Please confirm", asked, request)
}

var (
	ended = template.Must(template.New("").Parse(`<h1>Not found</h1><p>This request is not known. It may have been confirmed already, replaced by a newer one, or have ended. Ask again to get a new one.</p>`))
	done  = template.Must(template.New("").Parse(`<h1>Done</h1>{{range .}}<p dir="auto">{{.}}</p>{{end}}`))
)

// confirm acts. The token is the right to do it; only a form of another site is refused.
func (p *pages) confirm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if !p.site.SameOrigin(w, r) {
		return
	}
	token := r.PathValue("token")
	request, err := p.Clerk.Look(token)
	if errors.Is(err, store.ErrNotFound) {
		p.render(w, r, http.StatusNotFound, "Not found", ended, nil)
		return
	}
	var words []string
	if word := r.PostFormValue("word"); word != "" {
		words = []string{strings.TrimSpace(word + " " + r.PostFormValue("reason"))}
	} else if len(request.Decisions) > 0 {
		words = []string{request.Decisions[0]}
	}
	if err != nil {
		p.sorry(w)
		return
	}
	answer, err := p.Clerk.Redeem(r.Context(), request.List, token, "", words)
	if err != nil {
		p.sorry(w)
		return
	}
	text := answer.Text()
	if text == "" {
		text = "It is done. A mail says more."
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ">") {
			lines = append(lines, line)
		}
	}
	p.render(w, r, http.StatusOK, "Done", done, lines)
}

func (p *pages) sorry(w http.ResponseWriter) {
	http.Error(w, "This did not work. Try again later, or write to the list's owner.", http.StatusInternalServerError)
}
