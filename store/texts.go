package store

import (
	"encoding/binary"
	"time"
)

// Text is a list's own text in place of one of the program's; empty when it has none.
func (s *Store) Text(list uint64, name string) (text string, err error) {
	err = s.engine.View(func(tx Tx) error {
		text = string(tx.Get(key(tText, list, name)))
		return nil
	})
	return text, err
}

// SetText keeps a list's own text; an empty one deletes it.
func (s *Store) SetText(list uint64, name, text string) error {
	return s.engine.Update(func(tx Tx) error {
		if text == "" {
			return tx.Delete(key(tText, list, name))
		}
		return tx.Put(key(tText, list, name), []byte(text))
	})
}

// Stamp is when something was done last for a list; zero: never.
func (s *Store) Stamp(list uint64, name string) (at time.Time, err error) {
	err = s.engine.View(func(tx Tx) error {
		at = time.Time{}
		if b := tx.Get(key(tStamp, list, name)); len(b) == 8 {
			at = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
		}
		return nil
	})
	return at, err
}

// SetStamp notes when something was done.
func (s *Store) SetStamp(list uint64, name string, at time.Time, letters ...Letter) error {
	return s.SetStamps(list, []string{name}, at, letters...)
}

// SetStamps notes when several things were done.
func (s *Store) SetStamps(list uint64, names []string, at time.Time, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		for _, name := range names {
			if err := putStamp(tx, list, name, at); err != nil {
				return err
			}
		}
		return nil
	})
}

func putStamp(tx Tx, list uint64, name string, at time.Time) error {
	return tx.Put(key(tStamp, list, name), number(uint64(at.UnixMicro())))
}
