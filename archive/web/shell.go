package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"wesouthasians.org/sangam/store"
)

// Page is what the shell is put around.
type Page struct {
	Title    string
	Template string // one of this package, with Content
	Content  any
	HTML     template.HTML // instead of a template
	ListName string        // of the list that the page belongs to
	List     string        // its title
	Feed     string
	NoIndex  bool
}

type shell struct {
	Page
	Site, Style, Icon, Token, Back string
	Account                        string
	Body                           template.HTML
}

// Render answers with a page that is not cached.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, p Page) {
	b, err := s.render(r, s.Viewer(r), p)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b)
}

func (s *Site) render(r *http.Request, v Viewer, p Page) ([]byte, error) {
	body := p.HTML
	if p.Template != "" {
		var b bytes.Buffer
		if err := s.templates.ExecuteTemplate(&b, p.Template, p.Content); err != nil {
			return nil, fmt.Errorf("page %s: %w", p.Template, err)
		}
		body = template.HTML(b.String())
	}
	x := shell{Page: p, Site: s.Name, Style: s.style.path, Icon: s.icon.path, Account: string(v.Account), Body: body}
	if v.Account != "" {
		x.Token = s.token(v, "")
	} else if r.URL.Path != "/login" && p.Template != "answer" {
		x.Back = r.URL.RequestURI()
	}
	var b bytes.Buffer
	err := s.templates.ExecuteTemplate(&b, "shell", x)
	return b.Bytes(), err
}

// cached answers a page that depends on what key says and on nothing else. The same page again costs no rendering, and
// to a reader who has it, no bytes.
func (s *Site) cached(w http.ResponseWriter, r *http.Request, v Viewer, contentType, key string, make func() ([]byte, error)) {
	sum := sha256.Sum256([]byte(s.version + "\x00" + contentType + "\x00" + v.cookie + "\x00" + key))
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Vary", "Cookie, Accept-Encoding")
	if v.Account == "" && h.Get("Set-Cookie") == "" {
		h.Set("Cache-Control", "public, no-cache")
	} else {
		h.Set("Cache-Control", "private, no-cache")
	}
	if knows(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	packed := s.pages.get(tag)
	if packed == nil {
		b, err := make()
		if err != nil {
			if errors.Is(err, store.ErrNotFound) {
				h.Del("ETag")
				s.missing(w, r)
			} else {
				s.failed(w, r, err)
			}
			return
		}
		packed = pack(b)
		s.pages.put(tag, packed)
	}
	h.Set("Content-Type", contentType)
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", fmt.Sprint(len(packed)))
		w.Write(packed)
		return
	}
	if z, err := gzip.NewReader(bytes.NewReader(packed)); err == nil {
		io.Copy(w, z)
	}
}

// knows tells whether the client has what a tag stands for (RFC 9110 section 13.1.2); proxies that compress weaken tags.
func knows(r *http.Request, tag string) bool {
	for t := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// takesGzip reads Accept-Encoding (RFC 9110 section 12.5.3).
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		if strings.EqualFold(strings.TrimSpace(name), "gzip") && (err != nil || q > 0) {
			return true
		}
	}
	return false
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, 6)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// maxCache bounds the rendered pages that are kept, in bytes.
const maxCache = 16 << 20

// cache keeps rendered pages by ETag. When it is full it starts anew: what is read often is soon there again.
type cache struct {
	mu    sync.Mutex
	pages map[string][]byte
	size  int
}

func (c *cache) get(tag string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages[tag]
}

func (c *cache) put(tag string, page []byte) {
	if len(page) > maxCache/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil || c.size+len(page) > maxCache {
		c.pages, c.size = map[string][]byte{}, 0
	}
	if _, ok := c.pages[tag]; !ok {
		c.pages[tag] = page
		c.size += len(page)
	}
}

// answer to a request that gets no page of the archive: what is wrong and where to go on.
type answer struct {
	Title, Text string
	Links       []step
	Login       bool // offered to who is not logged in
}

type step struct{ To, Text string }

// missing answers what does not exist and what the reader may not know to exist. The page does not hold the address, so that both
// look alike whatever the names.
func (s *Site) missing(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, http.StatusNotFound, answer{Title: "Not found",
		Text: "Nothing can be read at this address. It may be mistyped, or open only to members of a list: log in to see what is yours.", Login: true})
}

func (s *Site) forbidden(w http.ResponseWriter, r *http.Request, text string) {
	s.say(w, r, http.StatusForbidden, "Not allowed", text)
}

func (s *Site) failed(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		s.Log.Error("page failed", "path", r.URL.Path, "cause", err)
	}
	h := w.Header()
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	http.Error(w, "This page cannot be made now. Try again later, and tell the site's postmaster if it stays so.", http.StatusInternalServerError)
}

func (s *Site) say(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	s.answer(w, r, status, answer{Title: title, Text: text})
}

func (s *Site) answer(w http.ResponseWriter, r *http.Request, status int, a answer) {
	a.Login = a.Login && s.Viewer(r).Account == ""
	a.Links = append(a.Links, step{"/", "All lists"})
	s.Render(w, r, status, Page{Title: a.Title, Template: "answer", NoIndex: true, Content: a})
}
