package lists_test

import (
	"strings"
	"testing"

	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/store"
	"wesouthasians.org/sangam/store/storetest"
)

func newAddresses(t testing.TB, names ...string) (*lists.Addresses, map[string]store.List) {
	t.Helper()
	st := storetest.NewStore(t)
	ls := map[string]store.List{}
	for _, name := range names {
		l, err := st.CreateList(store.List{Name: name, Domain: "lists.example.org", Settings: store.DefaultSettings()})
		if err != nil {
			t.Fatal(err)
		}
		ls[name] = l
	}
	return lists.NewAddresses(st, []string{"lists.example.org"}), ls
}

func TestResolve(t *testing.T) {
	a, ls := newAddresses(t, "heplink", "heplink-asia")
	cases := map[string]struct {
		kind lists.Kind
		list string
	}{
		"heplink@lists.example.org":                       {lists.KindPost, "heplink"},
		"HepLink@LISTS.Example.ORG":                       {lists.KindPost, "heplink"},
		"heplink-asia@lists.example.org":                  {lists.KindPost, "heplink-asia"},
		"heplink-owner@lists.example.org":                 {lists.KindOwner, "heplink"},
		"heplink+owner@lists.example.org":                 {lists.KindOwner, "heplink"},
		"owner-heplink-asia@lists.example.org":            {lists.KindOwner, "heplink-asia"},
		"heplink-asia-owner@lists.example.org":            {lists.KindOwner, "heplink-asia"},
		"postmaster":                                      {lists.KindSite, ""},
		"Abuse@lists.example.org":                         {lists.KindSite, ""},
		a.VERP(ls["heplink"], 42):                         {lists.KindBounce, "heplink"},
		strings.ToUpper(a.Leave(ls["heplink"], 42)):       {lists.KindLeave, "heplink"},
		"heplink@elsewhere.example":                       {},
		"nobody@lists.example.org":                        {},
		"postmaster@elsewhere.example":                    {},
		"heplink-leave@lists.example.org":                 {lists.KindCommand, "heplink"},
		"heplink+request@lists.example.org":               {lists.KindCommand, "heplink"},
		"heplink-subscribe-digest-text@lists.example.org": {lists.KindCommand, "heplink"},
		"heplink-subscribe+index@lists.example.org":       {lists.KindCommand, "heplink"},
		"heplink-asia-get-12@lists.example.org":           {lists.KindCommand, "heplink-asia"},
		"HEPLINK+thread+3@lists.example.org":              {lists.KindCommand, "heplink"},
		"heplink-confirm+abc234@lists.example.org":        {lists.KindConfirm, "heplink"},
		"sangam-confirm+abc234@lists.example.org":         {lists.KindConfirm, ""},
		"LISTSERV@lists.example.org":                      {lists.KindCommand, ""},
		"sangam@lists.example.org":                        {lists.KindCommand, ""},
		"listserv@elsewhere.example":                      {},
		"heplink-get-x@lists.example.org":                 {},
		"heplink-confirm@lists.example.org":               {lists.KindCommand, "heplink"},
		"heplink-bounces@lists.example.org":               {lists.KindBounce, "heplink"},
		"sangam-confirm@lists.example.org":                {lists.KindCommand, ""},
		"heplink-bounces+aaaa@lists.example.org":          {},
		"not an address":                                  {},
	}
	for to, want := range cases {
		r, err := a.Resolve(to)
		if r.Kind != want.kind || r.List.Name != want.list || (err != nil) != (want.kind == 0) {
			t.Errorf("%s leads to kind %d of %q (%v), want %d of %q", to, r.Kind, r.List.Name, err, want.kind, want.list)
		}
		if strings.Contains(to, "+") && (r.Kind == lists.KindBounce || r.Kind == lists.KindLeave) && r.Member != 42 {
			t.Errorf("%s names member %d", to, r.Member)
		}
	}
}

func TestMadeAddressesFitLocalPart(t *testing.T) {
	name := strings.Repeat("a", 31)
	a, ls := newAddresses(t, name)
	for _, address := range []string{a.VERP(ls[name], 1<<63), a.Leave(ls[name], 1<<63)} {
		if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
			t.Errorf("%s: local part has %d bytes", address, len(local))
		}
	}
}

func TestTokensOfOnePurposeServeNoOther(t *testing.T) {
	a, ls := newAddresses(t, "heplink")
	verp, _, _ := strings.Cut(strings.TrimPrefix(a.VERP(ls["heplink"], 7), "heplink-bounces+"), "@")
	if _, ok := a.ReadUnsubscribe(verp); ok {
		t.Error("a return path unsubscribes")
	}
	if _, ok := a.ReadUnsubscribe(a.UnsubscribeToken(7) + "a"); ok {
		t.Error("a longer token is taken")
	}
}

func FuzzAddresses(f *testing.F) {
	a, ls := newAddresses(f, "heplink")
	f.Add("heplink-bounces+mfrggzdfmztwq@lists.example.org", uint64(7))
	f.Add("owner-+@x", uint64(0))
	f.Fuzz(func(t *testing.T, to string, member uint64) {
		if r, err := a.Resolve(to); err == nil && r.Kind == 0 {
			t.Errorf("%q has no kind and no error", to)
		}
		for kind, address := range map[lists.Kind]string{lists.KindBounce: a.VERP(ls["heplink"], member), lists.KindLeave: a.Leave(ls["heplink"], member)} {
			if r, err := a.Resolve(address); err != nil || r.Kind != kind || r.Member != member {
				t.Errorf("%s: %+v, %v", address, r, err)
			}
		}
		for _, l := range []store.List{ls["heplink"], {}} { // of a list, and of the site
			address := a.Confirm(l, a.HeldToken(member))
			r, err := a.Resolve(strings.ToUpper(address))
			if held, ok := a.ReadHeld(r.Token); err != nil || r.Kind != lists.KindConfirm || r.List.ID != l.ID || !ok || held != member {
				t.Errorf("%s: %+v, %v", address, r, err)
			}
		}
	})
}

func FuzzTokens(f *testing.F) {
	a, _ := newAddresses(f)
	f.Add(a.UnsubscribeToken(7), uint64(7))
	f.Add(a.HeldToken(7), uint64(7))
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaa", uint64(0))
	f.Fuzz(func(t *testing.T, token string, id uint64) {
		if member, ok := a.ReadUnsubscribe(token); ok && !strings.EqualFold(token, a.UnsubscribeToken(member)) {
			t.Errorf("%q unsubscribes %d", token, member)
		}
		if held, ok := a.ReadHeld(token); ok && !strings.EqualFold(token, a.HeldToken(held)) {
			t.Errorf("%q decides about %d", token, held)
		}
		if got, ok := a.ReadUnsubscribe(a.UnsubscribeToken(id)); !ok || got != id {
			t.Errorf("%d reads as %d, %v", id, got, ok)
		}
	})
}
