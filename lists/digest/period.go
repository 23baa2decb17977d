package digest

import (
	"time"

	"wesouthasians.org/sangam/store"
)

// zone of a list. The settings take only names that are known.
func zone(l store.List) *time.Location {
	if z, err := time.LoadLocation(l.Timezone); err == nil {
		return z
	}
	return time.UTC
}

// nextIssue is the first time after a post at which the list sends a digest: at its hour of each day, of Monday, or of the first of a month.
// When the clock leaves that hour out in spring it is the next one, and when the hour comes twice in autumn it is the first.
func nextIssue(l store.List, after time.Time) time.Time {
	z := zone(l)
	t := after.In(z)
	for day := 0; ; day++ {
		at := time.Date(t.Year(), t.Month(), t.Day()+day, l.DigestHour, 0, 0, 0, z)
		if at.Hour() != l.DigestHour {
			at = time.Date(t.Year(), t.Month(), t.Day()+day, l.DigestHour+1, 0, 0, 0, z)
		}
		switch {
		case !at.After(after):
		case l.DigestEvery == "weekly" && at.Weekday() != time.Monday:
		case l.DigestEvery == "monthly" && at.Day() != 1:
		default:
			return at
		}
	}
}
