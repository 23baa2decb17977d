package doctor

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// leastFree is what the data folder's disk should have left, in bytes: a backup and some large posts.
const leastFree = 500_000_000

func (d *doctor) disk(context.Context) []Finding {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.Config.Data, &fs); err != nil {
		return []Finding{bad("disk", d.Config.Data, err.Error(), "Let data name a folder that the user who runs sangam may use.")}
	}
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	detail := fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	if free < leastFree {
		return []Finding{bad("disk", d.Config.Data, detail, "Make room on this disk: no mail is taken when it is full.")}
	}
	return []Finding{good("disk", d.Config.Data, "%s", detail)}
}

// clock checks the time, by which signatures and certificates are judged.
func (d *doctor) clock(context.Context) []Finding {
	const advice = "Let this machine keep time, with systemd-timesyncd or chrony: signatures and certificates are judged by it."
	now := time.Now()
	text := now.UTC().Format(time.RFC3339)
	switch {
	case d.ClockOffset != 0:
		return []Finding{bad("clock", "system", text+", shifted by "+d.ClockOffset.String(), "Remove SANGAM_CLOCK_OFFSET from the environment: it is for tests.")}
	case now.Before(d.Built):
		return []Finding{bad("clock", "system", text+", earlier than this program was made", advice)}
	case !synchronised():
		return []Finding{good("clock", "system", "%s, and the system does not say that it is kept right", text).but(advice)}
	}
	return []Finding{good("clock", "system", "%s, kept right by the system", text)}
}
