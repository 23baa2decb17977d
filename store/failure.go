package store

import (
	"fmt"
	"math"
	"time"
)

// What a day with failures counts, and how long a score is kept without a failure.
const (
	hardDay     = 2.5
	softDay     = 0.7
	scoreMemory = 14 * 24 * time.Hour
)

// add counts a failure. Each day counts once, by the worst that happened on it; at the threshold delivery is suspended.
func (f *Failure) add(c FailedCopy, threshold float64, newest uint64) {
	at := c.At.UTC()
	f.Score = f.CurrentScore(at)
	day, weight := at.Unix()/86400, softDay
	if c.Permanent {
		weight = hardDay
	}
	if day != f.Day || f.Score == 0 {
		f.Day, f.Today = day, 0
	}
	f.Score = math.Round(10*(f.Score+max(0, weight-f.Today))) / 10
	f.Today = max(f.Today, weight)
	f.Count++
	f.Last, f.Answer = at, c.Answer
	if f.Score >= threshold && f.Suspended.IsZero() {
		f.Suspended, f.From, f.Asked, f.Complaint = at, newest, 0, false
	}
}

// CurrentScore is the score as it counts now: 0 after 14 days without a failure.
func (f Failure) CurrentScore(now time.Time) float64 {
	if now.Sub(f.Last) > scoreMemory {
		return 0
	}
	return f.Score
}

// State is the state of the address in one word: good, failing or suspended.
func (f Failure) State(now time.Time) string {
	switch {
	case !f.Suspended.IsZero():
		return "suspended"
	case f.CurrentScore(now) > 0:
		return "failing"
	}
	return "good"
}

// Complain stops delivery to a member who marked mail as unwanted, until the member says otherwise. ErrNotFound.
func (s *Store) Complain(list uint64, a Address, answer string, at time.Time) (m Member, err error) {
	err = s.engine.Update(func(tx Tx) error {
		log, err := getLog(tx, list)
		if err != nil {
			return err
		}
		m, err = updateMember(tx, key(tMember, list, a), func(m *Member) error {
			if m.Failure.Suspended.IsZero() {
				m.Failure.Suspended, m.Failure.From, m.Failure.Asked, m.Failure.Complaint = at.UTC(), log.Last, 0, true
				m.Failure.Answer, m.Failure.Last = answer, at.UTC()
			}
			return nil
		})
		return err
	})
	return m, err
}

// Ask sends a suspended member a question, the asked-th, keeps the token that answers it, and notes that it was put. ErrNotFound when mail
// goes again, or when that question was put already.
func (s *Store) Ask(list uint64, a Address, asked int, secret string, t Token, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		_, err := updateMember(tx, key(tMember, list, a), func(m *Member) error {
			if m.Failure.Suspended.IsZero() || m.Failure.Asked >= asked {
				return fmt.Errorf("question to %s: %w", a, ErrNotFound)
			}
			m.Failure.Asked = asked
			return nil
		})
		if err != nil {
			return err
		}
		return putToken(tx, secret, t)
	})
}

// Suspended are the members of a list to whom delivery is stopped because mail came back.
func (s *Store) Suspended(list uint64) (ms []Member, err error) {
	err = s.engine.View(func(tx Tx) error {
		ms = nil
		prefix := key(tSuspended, list)
		for k := range tx.Scan(prefix, after(prefix)) {
			m, err := get[Member](tx, key(tMember, list, k[len(prefix):]))
			if err != nil {
				return err
			}
			ms = append(ms, m)
		}
		return nil
	})
	return ms, err
}

// Departure is a member who was removed because mail did not arrive, for the report to the owners.
type Departure struct {
	Address Address   `cbor:"1,keyasint,omitempty"`
	At      time.Time `cbor:"2,keyasint,omitempty"`
	Answer  string    `cbor:"3,keyasint,omitempty"`
}

// Expel ends the membership of somebody whom mail does not reach and notes it for the report. ErrNotFound, also when mail goes again.
func (s *Store) Expel(list uint64, a Address, at time.Time, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		m, err := get[Member](tx, key(tMember, list, a))
		if err == nil && m.Failure.Suspended.IsZero() {
			err = fmt.Errorf("suspended member %s: %w", a, ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := removeMember(tx, m); err != nil {
			return err
		}
		return put(tx, key(tDeparture, list, a), Departure{a, at.UTC(), m.Failure.Answer})
	})
}

// Departures of a list that no report has told yet.
func (s *Store) Departures(list uint64) (ds []Departure, err error) {
	err = s.engine.View(func(tx Tx) error {
		ds, err = scanAll[Departure](tx, key(tDeparture, list), nil)
		return err
	})
	return ds, err
}

const bounceReport = "bounce-report" // a stamp

// Reported is when the owners were told last whom mail does not reach; zero: never.
func (s *Store) Reported(list uint64) (time.Time, error) { return s.Stamp(list, bounceReport) }

// Report sends that report, notes when, and deletes the departures that it tells.
func (s *Store) Report(list uint64, ds []Departure, at time.Time, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		for _, d := range ds {
			if err := tx.Delete(key(tDeparture, list, d.Address)); err != nil {
				return err
			}
		}
		return putStamp(tx, list, bounceReport, at)
	})
}
