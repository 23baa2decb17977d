package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	archiveweb "wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/web"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func TestOneClickUnsubscribe(t *testing.T) {
	st := storetest.NewStore(t)
	log := slog.New(slog.DiscardHandler)
	l, err := st.CreateList(store.List{Name: "heplink", Domain: "lists.example.org", Settings: store.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.NewMember(l.ID, "asha@example.org", time.Now())
	if err == nil {
		err = st.AddMember(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	addresses := lists.NewAddresses(st, nil)
	office := notice.New(notice.Options{Store: st, Hostname: "lists.example.org", Server: "lists.example.org", Now: time.Now, Log: log})
	roll := member.New(member.Options{Store: st, Office: office, Now: time.Now, Log: log})
	site := archiveweb.New(archiveweb.Options{Store: st, URL: "https://lists.example.org", DefaultDomain: "lists.example.org", Name: "test", Log: log})
	web.Register(site, web.Options{Store: st, Addresses: addresses, Members: roll})
	do := func(method, path string, status int, want string) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader("List-Unsubscribe=One-Click"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://mail.example.net")
		w := httptest.NewRecorder()
		site.Handler().ServeHTTP(w, r)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s %s answers %d: %s", method, path, w.Code, w.Body)
		}
		if w.Result().Header.Get("Set-Cookie") != "" {
			t.Error("a cookie is set")
		}
	}
	isMember := func() bool { _, err := st.Member(l.ID, m.Address); return err == nil }
	path := "/u/" + addresses.UnsubscribeToken(m.ID)
	do("GET", path, http.StatusOK, "<button")
	if !isMember() {
		t.Fatal("GET acted")
	}
	do("POST", path+"a", http.StatusNotFound, "")
	do("GET", "/u/nothing", http.StatusNotFound, "")
	do("POST", path, http.StatusOK, "You have left")
	if isMember() {
		t.Fatal("still a member")
	}
	do("POST", path, http.StatusOK, "")
	do("GET", path, http.StatusOK, "")
	if err := st.AddMember(m); err != nil {
		t.Fatal(err)
	}
	do("POST", path, http.StatusOK, "")
	if isMember() {
		t.Error("the link of an old mail does not work after joining anew")
	}
}
