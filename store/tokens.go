package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"
)

// Purpose of a token.
type Purpose string

// Purposes of tokens.
const (
	PurposeConfirm Purpose = "confirm" // Lines act for Address
	PurposeChange  Purpose = "change"  // Address takes the place of Other, when both agree
	PurposeInvite  Purpose = "invite"  // Address may join
	PurposeResume  Purpose = "resume"  // mail to Address shall go again
	PurposeJoin    Purpose = "join"    // a moderator lets Address in
)

// Token is something that waits for a confirmation. Who knows its secret may confirm, once and until it expires. Only a hash of the
// secret is stored.
type Token struct {
	Purpose Purpose   `cbor:"1,keyasint,omitempty"`
	List    uint64    `cbor:"2,keyasint,omitempty"` // 0: it concerns several lists, or none
	Address Address   `cbor:"3,keyasint,omitempty"`
	Mailbox string    `cbor:"4,keyasint,omitempty"` // the address as it was written
	Name    string    `cbor:"5,keyasint,omitempty"`
	Lines   []string  `cbor:"6,keyasint,omitempty"` // commands to run
	Other   Address   `cbor:"7,keyasint,omitempty"` // PurposeChange: the address so far
	Agreed  []Address `cbor:"8,keyasint,omitempty"` // PurposeChange: which of the two have agreed
	Created time.Time `cbor:"9,keyasint,omitempty"`
	Expires time.Time `cbor:"10,keyasint,omitempty"`

	hash []byte // of the secret, of a token that was read
}

// TokenLife is how long a token may be used.
const TokenLife = 7 * 24 * time.Hour

// secretSize makes a secret of 120 bits, 24 letters and digits, so that NAME-confirm+TOKEN keeps within a local part.
const secretSize = 15

var secretEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func tokenHash(secret string) []byte {
	sum := sha256.Sum256([]byte("token " + secret))
	return sum[:]
}

func (t Token) index() []byte {
	return key(tTokenOf, terminated(string(t.Purpose)), t.List, t.Address)
}

// NewToken keeps a token and returns its secret. It takes the place of an earlier one of the same purpose, list and address.
func (s *Store) NewToken(t Token) (secret string, err error) {
	secret = NewSecret()
	if err = s.engine.Update(func(tx Tx) error { return putToken(tx, secret, t) }); err != nil {
		return "", fmt.Errorf("keep token: %w", err)
	}
	return secret, nil
}

// NewSecret makes the secret of a token that is kept later.
func NewSecret() string {
	b := make([]byte, secretSize)
	rand.Read(b)
	return secretEncoding.EncodeToString(b)
}

func putToken(tx Tx, secret string, t Token) error {
	t.Created, t.Expires = t.Created.UTC(), t.Expires.UTC()
	// One who is asked again whether mail arrives may answer any of the mails.
	if old := tx.Get(t.index()); old != nil && t.Purpose != PurposeResume {
		if err := tx.Delete(key(tToken, old)); err != nil {
			return err
		}
	}
	if err := tx.Put(t.index(), tokenHash(secret)); err != nil {
		return err
	}
	return put(tx, key(tToken, tokenHash(secret)), t)
}

// Token finds what a secret confirms. The look-up is by the secret's hash, so its time tells nothing. ErrNotFound, also when it has expired.
func (s *Store) Token(secret string, now time.Time) (t Token, err error) {
	err = s.engine.View(func(tx Tx) error {
		t, err = get[Token](tx, key(tToken, tokenHash(secret)))
		t.hash = tokenHash(secret)
		if err == nil && !now.Before(t.Expires) {
			err = ErrNotFound
		}
		return err
	})
	return t, err
}

// Agree notes that one of the two addresses of a change agrees. ErrNotFound.
func (s *Store) Agree(secret string, a Address) error {
	return s.engine.Update(func(tx Tx) error {
		t, err := get[Token](tx, key(tToken, tokenHash(secret)))
		if err != nil {
			return err
		}
		return agree(tx, tokenHash(secret), t, a)
	})
}

// AgreeFor is Agree for who knows no secret but is known to be the address so far. ErrNotFound when nobody asked for that change.
func (s *Store) AgreeFor(newAddress, a Address, now time.Time) (t Token, err error) {
	err = s.engine.Update(func(tx Tx) error {
		hash := tx.Get(Token{Purpose: PurposeChange, Address: newAddress}.index())
		if hash == nil {
			return ErrNotFound
		}
		hash = append([]byte(nil), hash...)
		if t, err = get[Token](tx, key(tToken, hash)); err != nil {
			return err
		}
		if t.Other != a || !now.Before(t.Expires) {
			return ErrNotFound
		}
		if err := agree(tx, hash, t, a); err != nil {
			return err
		}
		t, err = get[Token](tx, key(tToken, hash))
		t.hash = hash
		return err
	})
	return t, err
}

func agree(tx Tx, hash []byte, t Token, a Address) error {
	for _, x := range t.Agreed {
		if x == a {
			return nil
		}
	}
	t.Agreed = append(t.Agreed, a)
	return put(tx, key(tToken, hash), t)
}

// DropToken ends a token that was read, and its like. It is no error when that has ended already.
func (s *Store) DropToken(t Token) error {
	return s.engine.Update(func(tx Tx) error {
		if t.Purpose != PurposeResume { // it has no like, but a newer one may have taken its place
			return dropToken(tx, t.hash, t)
		}
		return dropTokens(tx, func(x Token) bool { return x.Purpose == t.Purpose && x.List == t.List && x.Address == t.Address })
	})
}

// SweepTokens deletes those that have expired.
func (s *Store) SweepTokens(now time.Time) error {
	expired := func(t Token) bool { return !now.Before(t.Expires) }
	var gone map[string]Token
	err := s.engine.View(func(tx Tx) (err error) {
		gone, err = findTokens(tx, expired)
		return err
	})
	if err != nil || len(gone) == 0 { // nothing to write, as nearly always
		return err
	}
	return s.engine.Update(func(tx Tx) error { return dropTokens(tx, expired) })
}

// findTokens reads all: there are few, for they expire. The keys are the hashes.
func findTokens(tx Tx, wanted func(Token) bool) (map[string]Token, error) {
	found := map[string]Token{}
	for k, b := range tx.Scan(key(tToken), after(key(tToken))) {
		var t Token
		if err := decode(b, &t); err != nil {
			return nil, err
		}
		if wanted(t) {
			found[string(k[1:])] = t
		}
	}
	return found, nil
}

func dropTokens(tx Tx, drop func(Token) bool) error {
	gone, err := findTokens(tx, drop)
	if err != nil {
		return err
	}
	for hash, t := range gone {
		if err := dropToken(tx, []byte(hash), t); err != nil {
			return err
		}
	}
	return nil
}

func dropToken(tx Tx, hash []byte, t Token) error {
	if err := tx.Delete(key(tToken, hash)); err != nil || !bytes.Equal(tx.Get(t.index()), hash) {
		return err
	}
	return tx.Delete(t.index())
}
