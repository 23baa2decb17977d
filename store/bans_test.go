package store_test

import (
	"testing"

	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func TestBanPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, address, stored string }{
		{"Spammer@Example.org", "spammer@example.org", ""},
		{"example.org", "any+one@example.org", "*@example.org"},
		{"@example.org", "anyone@example.org", "*@example.org"},
		{"*@*.example.org", "anyone@mail.example.org", ""},
		{"spammer@example.org", "spammer+new@example.org", ""},
		{"*.example", "anyone@mail.example", ""},
		{"spam*@example.*", "spammer@example.net", ""},
		{"उदाहरण.भारत", "आशा@उदाहरण.भारत", "*@xn--p1b6ci4b4b3a.xn--h2brj9c"},
		{"*@*.भारत", "asha@उदाहरण.भारत", "*@*.xn--h2brj9c"},
	} {
		pattern, err := store.ParsePattern(c.pattern)
		if err != nil || c.stored != "" && pattern != c.stored {
			t.Errorf("%s is read as %s, %v", c.pattern, pattern, err)
		}
		a, err := store.ParseAddress(c.address)
		if err != nil || !(store.Ban{Pattern: pattern}).Matches(a) {
			t.Errorf("%s does not match %s, %v", pattern, a, err)
		}
	}
	for _, c := range []struct{ pattern, address string }{
		{"example.org", "asha@mail.example.org"}, {"example.org", "asha@notexample.org"}, {"asha@example.org", "natasha@example.org"},
		{"a*a@example.org", "a@example.org"},
	} {
		pattern, err := store.ParsePattern(c.pattern)
		if err != nil || (store.Ban{Pattern: pattern}).Matches(store.Address(c.address)) {
			t.Errorf("%s matches %s, %v", c.pattern, c.address, err)
		}
	}
	for _, bad := range []string{"", "*", "**", "*@*", "@", "asha@", "localhost", "two words@example.org", "<a@example.org>", "a@x.org,b@x.org", "*a*b*c*d*e@x.org"} {
		if pattern, err := store.ParsePattern(bad); err == nil {
			t.Errorf("%q is read as %q", bad, pattern)
		}
	}
}

func TestBansOfListAndSite(t *testing.T) {
	s := storetest.NewStore(t)
	one, other := newList(t, s, "one"), newList(t, s, "other")
	for _, b := range []store.Ban{{List: one.ID, Pattern: "*@example.net"}, {Pattern: "spammer@example.com"}} {
		if err := s.AddBan(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		list    store.List
		address store.Address
		want    bool
	}{{one, "x@example.net", true}, {other, "x@example.net", false}, {one, "spammer@example.com", true}, {other, "spammer@example.com", true}, {one, "asha@example.org", false}} {
		if got, err := s.Banned(c.list.ID, c.address); got != c.want || err != nil {
			t.Errorf("%s on %s: banned %v, %v", c.address, c.list.Name, got, err)
		}
	}
	if err := s.RemoveBan(one.ID, "*@example.net"); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Banned(one.ID, "x@example.net"); got {
		t.Error("the ban was lifted")
	}
}

func TestMemberIsKnownByOtherAddresses(t *testing.T) {
	s := storetest.NewStore(t)
	l := newList(t, s, "heplink")
	join(t, s, l, "asha@old.example")
	join(t, s, l, "ravi+lists@example.org")
	join(t, s, l, "meera@example.org")
	a := mail(l, "1@x", "text")
	a.Trust = "asha@old.example"
	accept(t, s, a)
	if _, err := s.ChangeAddress("asha@old.example", "asha@example.org", "asha@example.org", now); err != nil {
		t.Fatal(err)
	}
	for a, want := range map[store.Address]store.Address{
		"asha@old.example": "asha@example.org", "asha+x@old.example": "asha@example.org", "asha+x@example.org": "asha@example.org",
		"ravi@example.org": "ravi+lists@example.org", "ravi+lists@example.org": "ravi+lists@example.org", "meera+a+b@example.org": "meera@example.org",
		"ravi@example.net": "", "ravi+other@example.org": "", "rav@example.org": "", "+x@example.org": "",
	} {
		if m, _ := s.MemberOf(l.ID, a); m.Address != want {
			t.Errorf("%s is %q", a, m.Address)
		}
	}
	for _, a := range []store.Address{"asha@old.example", "asha@example.org"} {
		if yes, err := s.Trusted(l.ID, a); !yes || err != nil {
			t.Errorf("%s is not trusted after the change, %v", a, err)
		}
	}
}
