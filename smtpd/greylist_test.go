package smtpd

import (
	"net/netip"
	"testing"
	"time"
)

func TestGreylistWaits(t *testing.T) {
	g, at := newGreylist(), time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	step := func(what string, after time.Duration, ip, sender string, want bool) {
		t.Helper()
		at = at.Add(after)
		if got := g.pass(netip.MustParseAddr(ip), sender, "heplink@l.org", at); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	step("unknown", 0, "192.0.2.1", "a@x.org", false)
	step("at once again", time.Minute, "192.0.2.1", "a@x.org", false)
	step("another sender", 5*time.Minute, "192.0.2.1", "b@x.org", false)
	step("from the next machine of the farm", 0, "192.0.2.77", "A@x.org", true)
	step("known now, whatever it sends", 0, "192.0.2.1", "c@x.org", true)
	step("while it goes on sending", 34*24*time.Hour, "192.0.2.1", "c@x.org", true)
	step("and still", 34*24*time.Hour, "192.0.2.1", "d@x.org", true)
	step("after a long silence", 36*24*time.Hour, "192.0.2.1", "d@x.org", false)
	step("too late", 3*24*time.Hour, "192.0.2.1", "d@x.org", false)
	step("IPv6, unknown", 0, "2001:db8::1", "a@x.org", false)
	step("IPv6, of the same network", 5*time.Minute, "2001:db8::2", "a@x.org", true)
}
