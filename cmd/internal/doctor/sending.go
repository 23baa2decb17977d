package doctor

import (
	"context"
	"slices"
	"strings"

	"wesouthasians.org/sangam/smtpd/deliver"
)

// sending checks that mail gets out: into the relay, or to the mail servers of the administrators.
func (d *doctor) sending(ctx context.Context) []Finding {
	c := d.Config
	switch c.Delivery.Mode {
	case "relay":
		return []Finding{d.relay(ctx)}
	case "direct":
		return d.direct(ctx)
	}
	return []Finding{good("sending", "delivery.mode", "capture: nothing leaves this machine").but("Set delivery.mode to relay or direct when members shall get mail.")}
}

func (d *doctor) relay(ctx context.Context) Finding {
	c := d.Config
	// The address without the password.
	name := c.Delivery.Relay[strings.LastIndexByte(c.Delivery.Relay, '@')+1:]
	relay, err := deliver.NewRelay(deliver.RelayOptions{URL: c.Delivery.Relay, TLS: c.Delivery.RelayTLS, Hostname: c.Hostname, Connections: 1})
	if err == nil {
		defer relay.Close()
		err = relay.Check(ctx)
	}
	if err != nil {
		return bad("relay", name, err.Error(), "Correct delivery.relay (host, port, user, password) or ask the operator of the relay.")
	}
	return good("relay", name, "accepts us")
}

func (d *doctor) direct(ctx context.Context) (fs []Finding) {
	c := d.Config
	direct := deliver.NewDirect(deliver.DirectOptions{Hostname: c.Hostname, Resolver: d.dns, Port: c.Delivery.Port, Loopback: len(c.DNS.Servers) > 0, Connections: 1})
	defer direct.Close()
	var seen []string
	for _, admin := range c.Admins {
		domain := admin[strings.LastIndexByte(admin, '@')+1:]
		if slices.Contains(c.Domains, domain) || slices.Contains(seen, domain) {
			continue
		}
		seen = append(seen, domain)
		host, err := direct.Check(ctx, domain)
		if err != nil {
			fs = append(fs, bad("sending", domain, err.Error(),
				"Ask your provider to open outgoing port 25, which many close, or send through one: delivery.mode = \"relay\"."))
			continue
		}
		fs = append(fs, good("sending", domain, "%s answers", host))
	}
	return fs
}
