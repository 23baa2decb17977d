package store

import (
	"bytes"
	"errors"
	"fmt"
)

// Redaction puts other bytes in the place of those of a post.
type Redaction struct {
	List, Number uint64
	// Make gets the bytes as they are and returns others with their description. It is pure.
	Make func(p Post, raw []byte) ([]byte, Post, error)
	// Gone tells whether a file of the post is not in it any more.
	Gone func(File) bool
}

// Redact changes a post in the archive: number, thread, dates, subject and Message-ID stay. ErrNotFound, also when it is removed;
// ErrConflict when it was changed meanwhile.
func (s *Store) Redact(r Redaction) (Post, error) {
	p, err := s.redact(r)
	if err != nil {
		return p, fmt.Errorf("change post %d: %w", r.Number, err)
	}
	s.postsChanged(r.List)
	s.notify(topic{kind: 's', list: r.List})
	return p, nil
}

func (s *Store) redact(r Redaction) (p Post, err error) {
	seen, err := s.Post(r.List, r.Number)
	if err == nil && seen.Removed {
		err = ErrNotFound
	}
	if err != nil {
		return p, err
	}
	raw, err := s.Raw(r.List, r.Number)
	if err != nil {
		return p, err
	}
	raw, made, err := r.Make(seen, raw)
	if err != nil {
		return p, err
	}
	chunks := compress(raw)
	err = s.engine.Update(func(tx Tx) error {
		p, err = get[Post](tx, key(tPost, r.List, r.Number))
		if err != nil {
			return err
		}
		if p.Removed || p.Redacted != seen.Redacted {
			return ErrConflict
		}
		before := p.Size
		p.Size, p.Lines, p.Attachments, p.Structure = int64(len(raw)), made.Lines, made.Attachments, made.Structure
		p.Redacted++
		if err := errors.Join(replaceChunks(tx, key(tRaw, r.List, r.Number), chunks), put(tx, key(tPost, r.List, r.Number), p)); err != nil {
			return err
		}
		if err := noteRedaction(tx, p, before, made.Content); err != nil {
			return err
		}
		return dropFiles(tx, r)
	})
	return p, err
}

func replaceChunks(tx Tx, prefix []byte, chunks [][]byte) error {
	if _, err := deleteRange(tx, prefix, everyChunk); err != nil {
		return err
	}
	return putChunks(tx, prefix, chunks)
}

// noteRedaction tells followers of the change, and keeps the new content from coming in again.
func noteRedaction(tx Tx, p Post, before int64, content [32]byte) error {
	log, err := getLog(tx, p.List)
	if err != nil {
		return err
	}
	log.Bytes += uint64(p.Size - before)
	log.Redactions++
	id := idHash(p.MessageID)
	if p.MessageID == "" {
		id = nil // it is known by its content, which is another now
	}
	if known := tx.Get(key(tMessageID, p.List, id, p.Number)); id != nil && known != nil {
		if err := tx.Put(key(tMessageID, p.List, id, p.Number), append(bytes.Clone(known), content[:]...)); err != nil {
			return err
		}
	}
	files, err := filesCursor(tx, p.List)
	if err != nil {
		return err
	}
	files.Redactions = log.Redactions
	return errors.Join(put(tx, key(tFilesCursor, p.List), files), put(tx, key(tLog, p.List), log), tx.Put(key(tRedacted, p.List, log.Redactions), number(p.Number)))
}

func dropFiles(tx Tx, r Redaction) error {
	var gone []File
	for _, id := range fileIDs(tx, r.List, r.Number) {
		f, err := get[File](tx, key(tFile, r.List, id))
		if err != nil {
			return err
		}
		if r.Gone(f) {
			gone = append(gone, f)
		}
	}
	for _, f := range gone {
		if err := removeFile(tx, f); err != nil {
			return err
		}
	}
	return nil
}

// Redacted returns the numbers of the posts that were changed behind a count of changes (see Log.Redactions), in that order.
func (s *Store) Redacted(list, behind uint64) (ns []uint64, err error) {
	err = s.engine.View(func(tx Tx) error {
		ns = nil
		for _, n := range tx.Scan(key(tRedacted, list, behind+1), after(key(tRedacted, list))) {
			ns = append(ns, lastNumber(n))
		}
		return nil
	})
	return ns, err
}
