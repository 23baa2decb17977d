package store

import (
	"errors"
	"fmt"
	"time"
)

// Account finds an account. ErrNotFound.
func (s *Store) Account(a Address) (acc Account, err error) {
	err = s.engine.View(func(tx Tx) error {
		acc, err = get[Account](tx, key(tAccount, a))
		return err
	})
	return acc, err
}

// SetPassword keeps a hash made by HashPassword and makes the account when it is new.
func (s *Store) SetPassword(a Address, hash []byte, now time.Time) error {
	return s.engine.Update(func(tx Tx) error {
		acc, err := get[Account](tx, key(tAccount, a))
		if errors.Is(err, ErrNotFound) {
			acc = Account{Address: a, Created: now.UTC()}
		} else if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		acc.Password = hash
		return put(tx, key(tAccount, a), acc)
	})
}

type subscriptions struct {
	Names []string `cbor:"1,keyasint"`
}

// Subscriptions of an account in IMAP, by mailbox name; ok is false when it never changed any.
func (s *Store) Subscriptions(account Address) (names []string, ok bool, err error) {
	err = s.engine.View(func(tx Tx) error {
		rec, err := get[subscriptions](tx, key(tSubscription, account))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		names, ok = rec.Names, err == nil
		return err
	})
	return names, ok, err
}

// SetSubscriptions replaces them.
func (s *Store) SetSubscriptions(account Address, names []string) error {
	return s.engine.Update(func(tx Tx) error { return put(tx, key(tSubscription, account), subscriptions{names}) })
}
