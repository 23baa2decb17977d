// Package web shows the archive: lists, threads, posts, what is attached to them, months, feeds and downloads. Pages are
// made on the server and work without script, on a phone, in a text browser and over a slow line; they ask nothing of
// other hosts. Package lists/web adds members' pages to the same shell.
//
// What a reader may not read is answered as what does not exist. Mail is hostile: its HTML is sanitised, and nothing that
// was attached to it runs as this site.
package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	shared "wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/store"
)

// Login checks passwords and slows those who guess.
type Login interface {
	Check(ctx context.Context, remote netip.Addr, address, password string) (store.Account, error)
}

// Searcher finds posts.
type Searcher interface {
	Search(context.Context, search.Request) (search.Result, error)
}

// Options of New.
type Options struct {
	Store         *store.Store
	Login         Login
	Search        Searcher
	URL           string // public base of links, without a slash at the end
	DefaultDomain string // lists in it are named without their domain
	Name          string // of the site, on its pages
	Now           func() time.Time
	Log           *slog.Logger
}

//go:embed page
var files embed.FS

// Site is the handler of all pages.
type Site struct {
	Options
	mux       *http.ServeMux
	templates *template.Template
	style     static
	icon      static
	version   string // of templates, style and icon
	pages     cache
	clients   clients
	forms     clients
	sections  map[string]Section
	shared    *shared.Gatherer
	session   signer
	csrf      signer
}

// New parses the templates once.
func New(o Options) *Site {
	o.URL = strings.TrimRight(o.URL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Site{Options: o, mux: http.NewServeMux(), clients: clients{most: requestsAMinute, seconds: 60}, forms: clients{most: formsAnHour, seconds: 3600}, sections: map[string]Section{},
		shared: shared.New(o.Store, o.URL, o.Log), session: signer{o.Store.Key("web session")}, csrf: signer{o.Store.Key("web form")}}
	s.templates = template.Must(template.ParseFS(files, "page/*.html"))
	html, _ := files.ReadFile("page/pages.html")
	style, _ := files.ReadFile("page/style.css")
	icon, _ := files.ReadFile("page/icon.svg")
	sum := sha256.Sum256(slices.Concat(html, style, icon))
	s.version = hex.EncodeToString(sum[:8])
	s.style = newStatic("/static/"+s.version+"/style.css", "text/css; charset=utf-8", style)
	s.icon = newStatic("/static/"+s.version+"/icon.svg", "image/svg+xml", icon)
	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.Handle("GET "+s.style.path, s.style)
	s.mux.Handle("GET "+s.icon.path, s.icon)
	s.mux.Handle("GET /favicon.ico", http.RedirectHandler(s.icon.path, http.StatusFound))
	s.mux.HandleFunc("GET /login", s.secure(s.loginForm))
	s.mux.HandleFunc("POST /login", s.secure(s.login))
	s.mux.HandleFunc("POST /logout", s.logout)
	s.mux.HandleFunc("GET /feed.atom", s.siteFeed)
	s.mux.HandleFunc("GET /search", s.search)
	s.mux.HandleFunc("GET /robots.txt", s.robots)
	s.mux.HandleFunc("GET /sitemap.xml", s.sitemap)
	s.mux.HandleFunc("GET /{list}", s.list)
	s.mux.HandleFunc("GET /{list}/{rest...}", s.list)
	s.mux.HandleFunc(sectionPattern, s.act)
	s.mux.HandleFunc("/", s.other)
	return s
}

// Handle adds a page to the site.
func (s *Site) Handle(pattern string, h http.HandlerFunc) { s.mux.HandleFunc(pattern, h) }

// Section is a page below a list's name; the list may be one that the reader may not read.
type Section func(w http.ResponseWriter, r *http.Request, l store.List)

// HandleSection adds the page /{list}/name, for GET and POST.
func (s *Site) HandleSection(name string, h Section) { s.sections[name] = h }

const sectionPattern = "POST /{list}/{section}"

// act serves what is sent to a section.
func (s *Site) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if !s.section(w, r, r.PathValue("section")) {
		s.other(w, r)
	}
}

// other answers methods that a page does not have, in the same way whether or not there is such a page.
func (s *Site) other(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		s.missing(w, r)
		return
	}
	allow := "GET, HEAD"
	post := r.Clone(r.Context())
	post.Method = http.MethodPost
	_, pattern := s.mux.Handler(post)
	if name := path.Base(r.URL.Path); pattern != "/" && (pattern != sectionPattern || s.sections[name] != nil) {
		allow += ", POST"
	}
	w.Header().Set("Allow", allow)
	s.say(w, r, http.StatusMethodNotAllowed, "Not possible", "This page does not take what was sent to it. Open it in a browser instead.")
}

// section serves a page that was added, if there is one of that name.
func (s *Site) section(w http.ResponseWriter, r *http.Request, name string) bool {
	h := s.sections[name]
	if h == nil {
		return false
	}
	l, err := s.Store.ListByMailboxName(r.PathValue("list"), s.DefaultDomain)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.missing(w, r)
	case err != nil:
		s.failed(w, r, err)
	default:
		h(w, r, l)
	}
	return true
}

// Missing answers what does not exist.
func (s *Site) Missing(w http.ResponseWriter, r *http.Request) { s.missing(w, r) }

// AllowForm counts a form that causes mail, and answers a client that sends too many.
func (s *Site) AllowForm(w http.ResponseWriter, r *http.Request) bool {
	if s.forms.allow(client(r)) {
		return true
	}
	w.Header().Set("Retry-After", "3600")
	s.say(w, r, http.StatusTooManyRequests, "Too many requests", "Too many requests came from your network. Wait an hour, or use mail.")
	return false
}

// policy of every answer: no script, nothing from elsewhere.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Handler serves the site.
func (s *Site) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				s.Log.Error("panic in a page", "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				s.failed(w, r, nil)
			}
		}()
		if !s.clients.allow(client(r)) {
			h.Set("Retry-After", "60")
			http.Error(w, "Too many requests from your network: wait a minute, then go on more slowly.", http.StatusTooManyRequests)
			return
		}
		s.mux.ServeHTTP(w, r)
	})
}

// client is the address that asks; a proxy on this machine may say whom it asks for.
func client(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	remote := a.Addr().Unmap()
	if forwarded := r.Header.Get("X-Forwarded-For"); remote.IsLoopback() && forwarded != "" {
		last := forwarded[strings.LastIndexByte(forwarded, ',')+1:]
		if f, err := netip.ParseAddr(strings.TrimSpace(last)); err == nil {
			return f.Unmap()
		}
	}
	return remote
}
