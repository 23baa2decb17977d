package mtasts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Policy
		err  string
	}{
		"as in the RFC": {"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n",
			Policy{Enforce, []string{"mail.example.com", "*.example.net", "backupmx.example.com"}, 7 * 24 * time.Hour}, ""},
		"CRLF, any order, unknown and repeated fields": {"max_age: 86400\r\nmode: testing\r\nx: y\r\nmode: enforce\r\nmx:MX.example.org. \r\nversion: STSv1\r\n\r\n",
			Policy{Testing, []string{"mx.example.org"}, 24 * time.Hour}, ""},
		"none needs no mx":     {"version: STSv1\nmode: none\nmax_age: 60", Policy{None, nil, time.Minute}, ""},
		"a life of a year":     {"version: STSv1\nmode: none\nmax_age: 9999999999", Policy{None, nil, maxSeconds * time.Second}, ""},
		"no version":           {"mode: none\nmax_age: 60", Policy{}, "version"},
		"a later version":      {"version: STSv2\nmode: none\nmax_age: 60", Policy{}, "version"},
		"no mx":                {"version: STSv1\nmode: enforce\nmax_age: 60", Policy{}, "no mail server"},
		"a bad mx":             {"version: STSv1\nmode: enforce\nmx: *.*.example.org\nmax_age: 60", Policy{}, "is no mail server"},
		"an unknown mode":      {"version: STSv1\nmode: report\nmx: a.example.org\nmax_age: 60", Policy{}, "mode"},
		"no max_age":           {"version: STSv1\nmode: none", Policy{}, "max_age"},
		"a negative max_age":   {"version: STSv1\nmode: none\nmax_age: -1", Policy{}, "max_age"},
		"a page and no policy": {"<!doctype html><title>Not here</title>", Policy{}, "no field"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(c.text))
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err == "":
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			case err == nil || !strings.Contains(err.Error(), c.err):
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	p := Policy{Mode: Enforce, MX: []string{"mail.example.com", "*.example.net"}}
	for host, want := range map[string]bool{"mail.example.com": true, "MAIL.example.com.": true, "mx.example.net": true, "example.net": false,
		"a.mx.example.net": false, "mx.example.com": false, "net": false, "": false} {
		if got := p.Allows(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestAnnounced(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{[]string{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
		{[]string{"v=spf1 -all", "v=STSv1;id=1"}, "1"},
		{[]string{"v=STSv1 ; x=y; id=a1 "}, "a1"},
		{[]string{"v=STSv1; id=1", "v=STSv1; id=2"}, ""}, // section 3.1: exactly one
		{[]string{"v=STSv1; id="}, ""},
		{[]string{"v=STSv1; id=a-b"}, ""},
		{[]string{"v=STSv1; id=" + strings.Repeat("1", 33)}, ""},
		{[]string{"v=STSv10; id=1"}, ""},
		{[]string{"id=1; v=STSv1"}, ""},
		{nil, ""},
	} {
		if got := Announced(c.texts); got != c.want {
			t.Errorf("%q: %q", c.texts, got)
		}
	}
}

// The policy that we serve is read back as it was, and its id follows what it says.
func TestOurs(t *testing.T) {
	p := Ours("Lists.example.org")
	back, err := Parse([]byte(p.String()))
	if err != nil || !cmp.Equal(p, back) {
		t.Errorf("%v, %v", err, cmp.Diff(p, back))
	}
	if id := Announced([]string{p.Record()}); id == "" || id != p.ID() || id != Ours("lists.example.org").ID() {
		t.Errorf("id %q of %s", id, p.Record())
	}
	if p.ID() == Ours("mail.example.org").ID() {
		t.Error("another policy has the same id")
	}
}

// What is read as a policy is read the same again from its own text.
func FuzzParse(f *testing.F) {
	f.Add([]byte("version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 60\n"))
	f.Add([]byte("version: STSv1\r\nmode: none\r\nmax_age: 99999999999\r\n"))
	f.Add([]byte(": :\n\x00mx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse([]byte(p.String()))
		if err != nil || !cmp.Equal(p, again) {
			t.Errorf("%v\n%s", err, cmp.Diff(p, again))
		}
		if p.MaxAge < 0 || p.MaxAge > maxSeconds*time.Second {
			t.Error(p.MaxAge)
		}
		if i := slices.IndexFunc(p.MX, func(mx string) bool { return !strings.HasPrefix(mx, "*") && !p.Allows(mx) }); i >= 0 {
			t.Errorf("%q is not allowed", p.MX[i])
		}
	})
}

func FuzzAnnounced(f *testing.F) {
	f.Add("v=STSv1; id=20160831085700Z;")
	f.Add("v=STSv1;id=;;id=1")
	f.Fuzz(func(t *testing.T, text string) {
		if id := Announced([]string{text}); len(id) > 32 || !strings.Contains(text, id) {
			t.Errorf("%q", id)
		}
	})
}
