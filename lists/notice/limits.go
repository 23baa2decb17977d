package notice

import (
	"sync"
	"time"

	"wesouthasians.org/sangam/store"
)

// limits keep our own mail from flooding anybody.
type limits struct {
	mu      sync.Mutex
	answers quota // to an address, of every kind but notices
	lost    quota // to an address
	asked   quota // requests for confirmation to an address
	asking  quota // requests for confirmation that a client causes, to whomever
}

func newLimits() *limits {
	return &limits{answers: newQuota(20, time.Hour), lost: newQuota(10, 24*time.Hour), asked: newQuota(5, time.Hour),
		asking: newQuota(60, time.Hour)}
}

// count a mail, or say which limit it would pass.
func (l *limits) count(k Kind, client string, to store.Address, now time.Time) (reason string) {
	if k == Notice {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	type charge struct {
		*quota
		to, reason string
	}
	charges := []charge{{&l.answers, string(to), "too many answers to this address within an hour"}}
	if k == Lost {
		charges = append(charges, charge{&l.lost, string(to), "too many mails without a command from this address within a day"})
	}
	if k == Confirmation {
		charges = append(charges, charge{&l.asked, string(to), "too many requests for confirmation to this address within an hour"})
		if client != "" {
			charges = append(charges, charge{&l.asking, client, "this client asked for too many confirmations within an hour"})
		}
	}
	for _, c := range charges {
		if c.full(c.to, now) {
			return c.reason
		}
	}
	for _, c := range charges {
		c.add(c.to, now)
	}
	return ""
}

// quota lets something happen so often to each of those that it knows.
type quota struct {
	most   int
	within time.Duration
	times  map[string][]time.Time
}

// maxTracked bounds the memory of a quota; beyond, it forgets.
const maxTracked = 50_000

func newQuota(most int, within time.Duration) quota {
	return quota{most, within, map[string][]time.Time{}}
}

func (q *quota) recent(who string, now time.Time) []time.Time {
	times := q.times[who]
	for len(times) > 0 && now.Sub(times[0]) >= q.within {
		times = times[1:]
	}
	return times
}

func (q *quota) full(who string, now time.Time) bool { return len(q.recent(who, now)) >= q.most }

func (q *quota) add(who string, now time.Time) {
	if _, known := q.times[who]; !known && len(q.times) >= maxTracked {
		q.sweep(now)
	}
	q.times[who] = append(q.recent(who, now), now)
}

func (q *quota) sweep(now time.Time) {
	for who := range q.times {
		if len(q.recent(who, now)) == 0 {
			delete(q.times, who)
		}
	}
	if len(q.times) >= maxTracked {
		clear(q.times)
	}
}
