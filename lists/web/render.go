package web

import (
	"html/template"
	"net/http"
	"strings"

	"wesouthasians.org/sangam/archive/web"
)

// render puts the site's shell around a template.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, title string, t *template.Template, content any) {
	var b strings.Builder
	if err := t.Execute(&b, content); err != nil {
		http.Error(w, "This page cannot be made now. Try again later.", http.StatusInternalServerError)
		return
	}
	p.site.Render(w, r, status, web.Page{Title: title, HTML: template.HTML(b.String()), NoIndex: true})
}
