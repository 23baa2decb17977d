package digest

import (
	"testing"
	"time"

	"wesouthasians.org/sangam/store"
)

func TestNextIssue(t *testing.T) {
	for _, c := range []struct {
		every string
		hour  int
		zone  string
		after string // RFC 3339
		want  string
	}{
		{"daily", 6, "UTC", "2026-11-24T05:59:59Z", "2026-11-24T06:00:00Z"},
		{"daily", 6, "UTC", "2026-11-24T06:00:00Z", "2026-11-25T06:00:00Z"}, // the digest of this hour has gone
		{"daily", 0, "UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		{"daily", 6, "Asia/Kolkata", "2026-11-24T00:29:00Z", "2026-11-24T00:30:00Z"},
		{"daily", 6, "Asia/Kathmandu", "2026-11-24T00:16:00Z", "2026-11-25T00:15:00Z"},
		{"daily", 23, "Pacific/Auckland", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z"},
		{"daily", 6, "America/New_York", "2026-03-07T12:00:00Z", "2026-03-08T10:00:00Z"},  // summer time begins on 8 March at 2
		{"daily", 6, "America/New_York", "2026-11-01T00:00:00Z", "2026-11-01T11:00:00Z"},  // and ends on 1 November at 2
		{"daily", 2, "America/New_York", "2026-03-08T06:59:00Z", "2026-03-08T07:00:00Z"},  // there is no 2 o'clock: at 3
		{"daily", 1, "America/New_York", "2026-11-01T04:30:00Z", "2026-11-01T05:00:00Z"},  // 1 o'clock comes twice: at the first
		{"daily", 1, "America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:00:00Z"},  // and only then
		{"daily", 0, "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"}, // there was no midnight
		{"weekly", 6, "UTC", "2026-11-24T05:00:00Z", "2026-11-30T06:00:00Z"},
		{"weekly", 6, "UTC", "2026-11-30T05:00:00Z", "2026-11-30T06:00:00Z"},
		{"weekly", 6, "UTC", "2026-11-30T06:00:00Z", "2026-12-07T06:00:00Z"},
		{"weekly", 6, "Asia/Tokyo", "2026-11-29T20:59:00Z", "2026-11-29T21:00:00Z"}, // Monday there
		{"monthly", 6, "UTC", "2026-01-31T07:00:00Z", "2026-02-01T06:00:00Z"},
		{"monthly", 6, "UTC", "2026-02-01T06:00:00Z", "2026-03-01T06:00:00Z"},
		{"monthly", 6, "Europe/Paris", "2026-03-01T06:00:00Z", "2026-04-01T04:00:00Z"},
		{"monthly", 0, "Asia/Amman", "2022-03-01T00:00:00Z", "2022-03-31T21:00:00Z"},
		{"monthly", 0, "Asia/Kolkata", "2026-12-31T18:29:00Z", "2026-12-31T18:30:00Z"}, // the new year there
	} {
		l := store.List{Settings: store.Settings{DigestEvery: c.every, DigestHour: c.hour, Timezone: c.zone}}
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextIssue(l, after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s at %d in %s after %s: %s, want %s", c.every, c.hour, c.zone, c.after, got, c.want)
		}
	}
}
