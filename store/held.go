package store

import (
	"context"
	"fmt"
)

// NextHeld takes the number of the next held post, so that letters can speak of it. A number that is not used stays out of use.
func (s *Store) NextHeld() (id uint64, err error) {
	err = s.engine.Update(func(tx Tx) error {
		id, err = count(tx, heldCounter, 1)
		return err
	})
	return id, err
}

// Hold keeps a post as it arrived until a moderator decides, and gives it its ID unless it has one of NextHeld.
func (s *Store) Hold(ctx context.Context, h Held, raw []byte, letters ...Letter) (Held, error) {
	if err := ctx.Err(); err != nil {
		return h, err
	}
	chunks := compress(raw)
	h.Size = int64(len(raw))
	err := s.updateAndTell(letters, func(tx Tx) (err error) {
		if tx.Get(key(tList, h.List)) == nil {
			return fmt.Errorf("list: %w", ErrNotFound)
		}
		if h.ID == 0 {
			if h.ID, err = count(tx, heldCounter, 1); err != nil {
				return err
			}
		}
		if err := putChunks(tx, key(tHeldRaw, h.ID), chunks); err != nil {
			return err
		}
		if err := tx.Put(heldIdentity(h), h.Content[:]); err != nil {
			return err
		}
		return put(tx, key(tHeld, h.ID), h)
	})
	if err != nil {
		return h, fmt.Errorf("hold post: %w", err)
	}
	return h, nil
}

func heldIdentity(h Held) []byte {
	return key(tHeldID, h.List, identity(h.MessageID, h.Content), h.ID)
}

// HeldPost finds a held post. ErrNotFound.
func (s *Store) HeldPost(id uint64) (h Held, err error) {
	err = s.engine.View(func(tx Tx) error {
		h, err = get[Held](tx, key(tHeld, id))
		return err
	})
	return h, err
}

// HeldRaw are the bytes of a held post as they arrived.
func (s *Store) HeldRaw(id uint64) ([]byte, error) { return s.readChunks(key(tHeldRaw, id)) }

// HeldPosts of a list (0: of all), oldest first; one whose row is damaged is left out.
func (s *Store) HeldPosts(list uint64) (hs []Held, err error) {
	err = s.engine.View(func(tx Tx) error {
		hs, err = allReadable(tx, key(tHeld), func(h Held) bool { return list == 0 || h.List == list })
		return err
	})
	return hs, err
}

// DropHeld deletes a held post that was rejected or discarded. ErrNotFound.
func (s *Store) DropHeld(id uint64, letters ...Letter) error {
	return s.updateAndTell(letters, func(tx Tx) error {
		h, err := get[Held](tx, key(tHeld, id))
		if err != nil {
			return fmt.Errorf("held post %d: %w", id, err)
		}
		return deleteHeld(tx, h)
	})
}

func deleteHeld(tx Tx, h Held) error {
	if _, err := deleteRange(tx, key(tHeldRaw, h.ID), everyChunk); err != nil {
		return err
	}
	if err := tx.Delete(heldIdentity(h)); err != nil {
		return err
	}
	return tx.Delete(key(tHeld, h.ID))
}
