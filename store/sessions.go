package store

import (
	"bytes"
	"crypto/sha256"
	"time"
)

func endedKey(session string) []byte {
	sum := sha256.Sum256([]byte("session " + session))
	return key(tEnded, sum[:])
}

// EndSession makes a session of the pages worthless before its time is over, which is until. Only a hash of the session is
// stored, and no longer than it could be used.
func (s *Store) EndSession(session string, until, now time.Time) error {
	return s.engine.Update(func(tx Tx) error {
		var over [][]byte
		for k, end := range tx.Scan(key(tEnded), after(key(tEnded))) {
			if lastNumber(end) < uint64(now.UnixMicro()) {
				over = append(over, bytes.Clone(k))
			}
		}
		for _, k := range over {
			if err := tx.Delete(k); err != nil {
				return err
			}
		}
		return tx.Put(endedKey(session), number(uint64(until.UnixMicro())))
	})
}

// SessionEnded tells whether EndSession ended it.
func (s *Store) SessionEnded(session string) (ended bool, err error) {
	err = s.engine.View(func(tx Tx) error {
		ended = tx.Get(endedKey(session)) != nil
		return nil
	})
	return ended, err
}
