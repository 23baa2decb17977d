package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/store"
)

const formTooOld = "The form is too old, or came from another site: go back, load the page again and send it once more."

const (
	sessionCookie = "sangam_session"
	visitCookie   = "sangam_visit" // ties the form of somebody who is not logged in to the browser
	monoCookie    = "sangam_mono"
	sessionTime   = 30 * 24 * time.Hour
)

// signer makes and checks MACs of one purpose.
type signer struct{ key []byte }

func (s signer) sign(parts ...string) string {
	mac := hmac.New(sha256.New, s.key)
	for _, p := range parts {
		mac.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s signer) verify(mac string, parts ...string) bool { return equal(mac, s.sign(parts...)) }

// equal takes the same time wherever they differ.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// Viewer is who asks for a page.
type Viewer struct {
	Account store.Address // empty: nobody is logged in
	cookie  string
}

// Viewer reads the session: address, end and a MAC over both and the password's hash, so that a new password ends it.
func (s *Site) Viewer(r *http.Request) Viewer {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return Viewer{}
	}
	encoded, rest, _ := strings.Cut(c.Value, ".")
	end, mac, _ := strings.Cut(rest, ".")
	address, err := base64.RawURLEncoding.DecodeString(encoded)
	until, numErr := strconv.ParseInt(end, 10, 64)
	if err != nil || numErr != nil || s.Now().Unix() > until {
		return Viewer{}
	}
	acc, err := s.Store.Account(store.Address(address))
	if err != nil || !s.session.verify(mac, encoded, end, string(acc.Password)) {
		return Viewer{}
	}
	if ended, err := s.Store.SessionEnded(c.Value); err != nil || ended {
		return Viewer{}
	}
	return Viewer{acc.Address, c.Value}
}

func (s *Site) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.URL, "https:")})
}

func (s *Site) enter(w http.ResponseWriter, acc store.Account) {
	encoded := base64.RawURLEncoding.EncodeToString([]byte(acc.Address))
	end := strconv.FormatInt(s.Now().Add(sessionTime).Unix(), 10)
	s.setCookie(w, sessionCookie, encoded+"."+end+"."+s.session.sign(encoded, end, string(acc.Password)), sessionTime)
}

// token ties a form to the session, or to the browser of somebody who is not logged in.
func (s *Site) token(v Viewer, visit string) string { return s.csrf.sign(v.cookie, visit) }

// sameOrigin is false when the browser says that another site's page sent the request.
func (s *Site) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host && u.Host != hostOf(s.URL) {
			return false
		}
	}
	return true
}

// genuine tells whether a form was sent from a page of ours.
func (s *Site) genuine(r *http.Request, v Viewer) bool {
	if !s.sameOrigin(r) {
		return false
	}
	visit := ""
	if c, err := r.Cookie(visitCookie); err == nil && v.Account == "" {
		visit = c.Value
	}
	return (v.cookie != "" || visit != "") && s.csrf.verify(r.PostFormValue("token"), v.cookie, visit)
}

// FormToken ties a form of this page to the session or the browser.
func (s *Site) FormToken(w http.ResponseWriter, r *http.Request) string {
	if v := s.Viewer(r); v.Account != "" {
		return s.token(v, "")
	}
	return s.token(Viewer{}, s.visit(w, r))
}

// Genuine tells whether a form was sent from a page of ours, with its FormToken in the field token; it answers one that was not.
func (s *Site) Genuine(w http.ResponseWriter, r *http.Request) bool {
	if !s.genuine(r, s.Viewer(r)) {
		s.forbidden(w, r, formTooOld)
		return false
	}
	return true
}

// SameOrigin answers a request that another site's page made.
func (s *Site) SameOrigin(w http.ResponseWriter, r *http.Request) bool {
	if !s.sameOrigin(r) {
		s.forbidden(w, r, "The form came from another site: open its page here and send it again.")
		return false
	}
	return true
}

// visit marks the browser of somebody who is not logged in.
func (s *Site) visit(w http.ResponseWriter, r *http.Request) string {
	visit := rand.Text()
	if c, err := r.Cookie(visitCookie); err == nil && len(c.Value) == len(visit) {
		visit = c.Value
	}
	s.setCookie(w, visitCookie, visit, 24*time.Hour)
	return visit
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

func (s *Site) loginForm(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	if to == "" {
		to = s.cameFrom(r)
	}
	s.showLogin(w, r, http.StatusOK, "", to, "")
}

func (s *Site) showLogin(w http.ResponseWriter, r *http.Request, status int, problem, to, address string) {
	visit := s.visit(w, r)
	s.Render(w, r, status, Page{Title: "Log in", Template: "login", NoIndex: true, Content: map[string]any{
		"Error": problem, "To": local(to), "Address": address, "Token": s.token(Viewer{}, visit)}})
}

// cameFrom is the page of this site whose link was followed. The page that answers for a list that does not exist, or may not
// be read, does not hold its own address.
func (s *Site) cameFrom(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host == "" || u.Host != r.Host && u.Host != hostOf(s.URL) || u.Path == "/login" {
		return ""
	}
	return u.RequestURI()
}

// local keeps a target on this site.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return to
}

func (s *Site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if !s.genuine(r, Viewer{}) {
		s.forbidden(w, r, formTooOld)
		return
	}
	address, to := r.PostFormValue("address"), local(r.PostFormValue("to"))
	acc, err := s.Login.Check(r.Context(), client(r), address, r.PostFormValue("password"))
	if err != nil {
		s.showLogin(w, r, http.StatusUnauthorized, "Address and password do not belong together. Check both and try again.", to, address)
		return
	}
	s.enter(w, acc)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	v := s.Viewer(r)
	if !s.genuine(r, v) {
		s.forbidden(w, r, formTooOld)
		return
	}
	if now := s.Now(); v.cookie != "" {
		if err := s.Store.EndSession(v.cookie, now.Add(sessionTime), now); err != nil {
			s.failed(w, r, err)
			return
		}
	}
	s.setCookie(w, sessionCookie, "", -time.Second)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
