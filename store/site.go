package store

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
)

// format is the version of the layout. Each change of it is a migration.
const format = 1

// migrations[i] brings a store of format i+1 to i+2.
var migrations []func(Tx) error

type site struct {
	Format int    `cbor:"1,keyasint"`
	Key    []byte `cbor:"2,keyasint"`
}

// Names of the counters and of the site record in table tSite.
var (
	siteRecord      = key(tSite, "site")
	listCounter     = key(tSite, "lists")
	seqCounter      = key(tSite, "posts")
	validityCounter = key(tSite, "uidvalidity")
	heldCounter     = key(tSite, "held")
	jobCounter      = key(tSite, "jobs")
	probe           = key(tSite, "probe")
)

// Store is open on one engine. It is safe for concurrent use.
type Store struct {
	engine Engine
	key    []byte

	mu     sync.Mutex
	topics map[topic]chan struct{}
}

// Open reads or makes the site record (format, site key), migrates an older layout and finishes a removal of a list
// that was interrupted.
func Open(engine Engine) (*Store, error) {
	s := &Store{engine: engine, topics: map[topic]chan struct{}{}}
	err := engine.Update(func(tx Tx) error {
		rec, err := get[site](tx, siteRecord)
		if errors.Is(err, ErrNotFound) {
			rec = site{Format: format, Key: make([]byte, 32)}
			if _, err := rand.Read(rec.Key); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if rec.Format > format {
			return fmt.Errorf("the store has format %d, this program knows up to %d: use a newer sangam", rec.Format, format)
		}
		for ; rec.Format < format; rec.Format++ {
			if err := migrations[rec.Format-1](tx); err != nil {
				return fmt.Errorf("migrate from format %d: %w", rec.Format, err)
			}
		}
		s.key = rec.Key
		return put(tx, siteRecord, rec)
	})
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.sweepRemovedLists(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// Close waits for running transactions.
func (s *Store) Close() error { return s.engine.Close() }

// Backup writes a consistent copy while the store is in use: size is called with its bytes first.
func (s *Store) Backup(w io.Writer, size func(int64) error) error { return s.engine.Backup(w, size) }

// Key derives 32 bytes from the site key for one purpose ("verp", "unsubscribe", …), by HKDF (RFC 5869).
func (s *Store) Key(purpose string) []byte {
	k, err := hkdf.Key(sha256.New, s.key, nil, purpose, 32)
	if err != nil {
		panic(err) // only for absurd lengths
	}
	return k
}

// Writable commits a small write, and fails as a post would (disk full, read-only file).
func (s *Store) Writable() error {
	if err := s.engine.Update(func(tx Tx) error { return tx.Put(probe, number(1)) }); err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	return nil
}
