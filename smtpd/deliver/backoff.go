package deliver

import (
	"math/rand/v2"
	"time"
)

// Waiting times. A recipient: 5 minutes, doubling to 4 hours (RFC 5321 section 4.5.4.1 wants patience). The relay: it
// is ours and comes back soon.
const (
	firstRetry, lastRetry = 5 * time.Minute, 4 * time.Hour
	firstProbe, lastProbe = 30 * time.Second, 15 * time.Minute
)

// backoff doubles from first to last with each attempt, and spreads by a fifth so that what failed together does not
// come back together.
func backoff(first, last time.Duration, attempts int) time.Duration {
	d := first
	for i := 1; i < attempts && d < last; i++ {
		d *= 2
	}
	d = min(d, last)
	return d - d/10 + rand.N(d/5)
}
