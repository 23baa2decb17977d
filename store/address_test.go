package store_test

import (
	"strings"
	"testing"
	"unicode"

	"wesouthasians.org/sangam/store"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]store.Address{
		"Asha.Rao@Example.ORG":             "asha.rao@example.org",
		"asha+list@example.org":            "asha+list@example.org",
		`"asha rao"@example.org`:           `"asha rao"@example.org`,
		`"asha"@example.org`:               "asha@example.org",
		"asha@[192.0.2.1]":                 "asha@[192.0.2.1]",
		"asha@[IPv6:2001:db8::1]":          "asha@[ipv6:2001:db8::1]",
		"आशा@उदाहरण.भारत":                  "आशा@xn--p1b6ci4b4b3a.xn--h2brj9c",
		"asha@bücher.example":              "asha@xn--bcher-kva.example",
		"":                                 "",
		"asha":                             "",
		"@example.org":                     "",
		"asha@":                            "",
		"asha@example..org":                "",
		"asha@-example.org":                "",
		".asha@example.org":                "",
		"asha rao@example.org":             "",
		"asha\r\nBcc: x@example.org":       "",
		"asha@example.org\r\n":             "",
		"<asha@example.org>":               "",
		"asha@example.org (comment)":       "",
		strings.Repeat("a", 65) + "@x.org": "",
	} {
		if got, err := store.ParseAddress(in); got != want || (err != nil) != (want == "") {
			t.Errorf("%q is %q (%v), want %q", in, got, err, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"asha@example.org", `"a\"b"@x.org`, "a@[1.2.3.4]", "ü@ü.org", "a@xn--bcher-kva.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := store.ParseAddress(s)
		if err != nil {
			return
		}
		if strings.ContainsFunc(string(a), unicode.IsControl) {
			t.Errorf("%q has control characters: %q", s, a)
		}
		if again, err := store.ParseAddress(string(a)); len(a) <= 254 && len(a.Local()) <= 64 && (err != nil || again != a) {
			t.Errorf("%q is %q, which is %q (%v)", s, a, again, err)
		}
		if string(a) != a.Local()+"@"+a.Domain() {
			t.Errorf("%q has parts %q and %q", a, a.Local(), a.Domain())
		}
	})
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		key, value string
		ok         bool
	}{
		{"title", "HepLink: C", true}, {"title", "a\nb", false}, {"language", "hi", true}, {"language", "no language", false},
		{"join", "open", true}, {"join", "maybe", false}, {"moderate_first", "3", true}, {"moderate_first", "0", false},
		{"max_message_size", "40KB", true}, {"max_message_size", "-1", false}, {"max_message_size", "NaN", false}, {"digest_hour", "23", true}, {"digest_hour", "24", false},
		{"timezone", "Asia/Kolkata", true}, {"timezone", "Mars/Base", false}, {"bounce_threshold", "2.5", true}, {"advertised", "no", false},
		{"footer", "two\nlines", true}, {"nothing", "x", false},
	} {
		s := store.DefaultSettings()
		if err := s.Set(c.key, c.value); (err == nil) != c.ok {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		}
	}
	s := store.DefaultSettings()
	values := s.Values()
	for _, key := range store.SettingKeys() {
		if _, ok := values[key]; !ok {
			t.Errorf("no value of %s", key)
		}
	}
	if values["advertised"] != true || values["max_message_size"] != "1MB" || values["max_recipients"] != 10 {
		t.Errorf("values are %v", values)
	}
	var m store.Member
	for value, ok := range map[string]bool{"each": true, "none": true, "digest": true, "digest-text": true, "index": true, "x": false} {
		if err := m.Set("delivery", value); (err == nil) != ok {
			t.Errorf("delivery=%s: %v", value, err)
		}
	}
}

func TestListNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"heplink": true, "hep-link.2": true, "": false, "-x": false, "x-": false, "a..b": false, "Hep": false, "x-help": false, "x-get-3": false,
		"owner-x": false, "login": false, "listserv": false, strings.Repeat("a", 31): true, strings.Repeat("a", 32): false, "x-request": false,
	} {
		if err := store.ValidateListName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
