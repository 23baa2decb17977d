package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wesouthasians.org/sangam/store"
)

// password of every member of the demo, which only loopback can reach.
const password = "demo"

// person is a member of the demo's community.
type person struct {
	address, name string
	set           []string
}

var people = []person{
	{"asha@clinic.example.org", "Asha Rao", []string{"role=owner"}},
	{"ravi@district.example.org", "रवि कुमार", nil},
	{"claire@sante.example.org", "Claire Fontaine", []string{"language=fr"}},
	{"tenzin@himal.example.org", "Tenzin Dolma", []string{"own_posts=false"}},
	{"fatima@lab.example.org", "فاطمہ خان", []string{"role=moderator"}},
	{"grace@ministry.example.org", "Grace Okafor", []string{"delivery=none"}},
}

// community makes the list and its members, unless an earlier run did.
func (d *demo) community(ctx context.Context) (store.List, error) {
	l, err := d.site.list("heplink")
	if err != nil {
		l = store.List{Name: "heplink", Domain: d.site.config.Domains[0], Settings: store.DefaultSettings()}
		settings := []string{"title=HepLink", "archive=public",
			"description=People who treat hepatitis C far from large hospitals ask and answer each other here."}
		if err := assign(settings, l.Settings.Set); err != nil {
			return l, err
		}
		if l, err = d.site.CreateList(l); err != nil {
			return l, err
		}
	}
	roll := d.site.parts.Members
	hash := store.HashPassword(password)
	for _, p := range people {
		m, err := d.site.NewMember(l.ID, p.address, time.Now())
		if err != nil {
			return l, err
		}
		if err := assign(append([]string{"name=" + p.name}, p.set...), m.Set); err != nil {
			return l, err
		}
		if err := roll.Add(ctx, l, m, true); err != nil && !errors.Is(err, store.ErrExists) {
			return l, err
		}
		if err := d.site.SetPassword(m.Address, hash, time.Now()); err != nil {
			return l, err
		}
	}
	n, err := d.site.CountMembers(l.ID)
	fmt.Fprintf(d.stdout, "The list %s (%s) has %d members.\n", l.Address(), l.Title, n)
	return l, err
}
