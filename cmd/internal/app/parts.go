package app

import (
	"fmt"
	"log/slog"
	"time"

	"wesouthasians.org/sangam/archive/search"
	"wesouthasians.org/sangam/archive/web"
	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/lists"
	"wesouthasians.org/sangam/lists/command"
	"wesouthasians.org/sangam/lists/digest"
	"wesouthasians.org/sangam/lists/member"
	"wesouthasians.org/sangam/lists/moderate"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/lists/post"
	"wesouthasians.org/sangam/store"
)

// Parts are what acts on lists, for the server and for commands that open the store themselves.
type Parts struct {
	Addresses *lists.Addresses
	Office    *notice.Office
	Members   *member.Roll
	Desk      *moderate.Desk
	Clerk     *command.Clerk
	Digests   *digest.Press
	Search    *search.Index // to be closed before the store
	Now       func() time.Time
}

// NewParts makes them.
func NewParts(c *config.Config, st *store.Store, now func() time.Time, log *slog.Logger) *Parts {
	var admins []store.Address
	for _, admin := range c.Admins {
		admins = append(admins, store.Address(admin))
	}
	site := Site(c)
	p := &Parts{Addresses: lists.NewAddresses(st, c.Domains), Now: now}
	p.Office = notice.New(notice.Options{Store: st, Hostname: c.Hostname, Server: c.Domains[0], Now: now, Log: log})
	p.Members = member.New(member.Options{Store: st, Addresses: p.Addresses, Office: p.Office, Admins: admins, WebURL: c.Web.URL, Now: now, Log: log})
	p.Desk = moderate.New(moderate.Options{Store: st, Addresses: p.Addresses, Office: p.Office, Site: site, Admins: admins, Now: now, Log: log})
	p.Search = search.New(search.Options{Store: st, Folder: c.Search(), DefaultDomain: c.Domains[0], Now: now, Log: log})
	p.Clerk = command.New(command.Options{Store: st, Addresses: p.Addresses, Office: p.Office, Members: p.Members, Desk: p.Desk,
		Search: p.Search, Admins: admins, WebURL: c.Web.URL, Default: c.Domains[0], Pace: 50 * time.Millisecond, Now: now, Log: log})
	p.Digests = digest.New(digest.Options{Store: st, Site: site, Attachment: web.NewLinks(st, c.Web.URL, c.Domains[0]).Attachment, Now: now, Log: log})
	return p
}

// Site is what posts need to know of the configuration.
func Site(c *config.Config) post.Site {
	return post.Site{Hostname: c.Hostname, WebURL: c.Web.URL, DefaultDomain: c.Domains[0]}
}

// Clock reads the time, shifted by the environment's SANGAM_CLOCK_OFFSET ("8d", "36h"), which is for tests of schedules.
func Clock(getenv func(string) string) (now func() time.Time, offset time.Duration, err error) {
	text := getenv("SANGAM_CLOCK_OFFSET")
	if text == "" {
		return time.Now, 0, nil
	}
	if offset, err = config.ParseDuration(text); err != nil {
		return nil, 0, fmt.Errorf("SANGAM_CLOCK_OFFSET: %w", err)
	}
	return func() time.Time { return time.Now().Add(offset) }, offset, nil
}
