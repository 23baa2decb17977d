package store

import (
	"errors"
	"fmt"
	"strings"
)

// File is an attachment of a post, or a link that its author wrote. Files are derived from the posts by package archive/files, which reads
// the log behind those who accept; they can be dropped and gathered anew.
type File struct {
	List    uint64   `cbor:"1,keyasint,omitempty"`
	ID      uint64   `cbor:"2,keyasint,omitempty"`  // number on its list, ascending with the posts
	Post    uint64   `cbor:"3,keyasint,omitempty"`  // number of the post it is in
	K       int      `cbor:"4,keyasint,omitempty"`  // archive.Attachment.K; 0: it is a link
	Name    string   `cbor:"5,keyasint,omitempty"`  // file name, or the address that a link leads to
	Title   string   `cbor:"6,keyasint,omitempty"`  // what it is in words; may be empty
	Type    string   `cbor:"7,keyasint,omitempty"`  // media type; empty for a link
	Size    int64    `cbor:"8,keyasint,omitempty"`  // bytes, decoded; 0 for a link
	Content [16]byte `cbor:"9,keyasint,omitempty"`  // the same for what is the same; only the first of them is listed
	Group   [16]byte `cbor:"10,keyasint,omitempty"` // the same for versions of one file
	Words   string   `cbor:"11,keyasint,omitempty"` // what it is found by
}

// Link tells whether the file is a link.
func (f File) Link() bool { return f.K == 0 }

// FilesCursor says how far the files of a list are gathered.
type FilesCursor struct {
	Version int    `cbor:"1,keyasint,omitempty"` // of what gathers them
	Upto    uint64 `cbor:"2,keyasint,omitempty"` // posts up to this number are looked through
	Last    uint64 `cbor:"3,keyasint,omitempty"` // ID of the newest file

	Redactions uint64 `cbor:"4,keyasint,omitempty"` // Log.Redactions at the last of them, so that AddFiles notices one
}

// FilesCursor of a list; the zero value when none are gathered yet.
func (s *Store) FilesCursor(list uint64) (c FilesCursor, err error) {
	err = s.engine.View(func(tx Tx) error {
		c, err = filesCursor(tx, list)
		return err
	})
	return c, err
}

func filesCursor(tx Tx, list uint64) (FilesCursor, error) {
	c, err := get[FilesCursor](tx, key(tFilesCursor, list))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return c, err
}

// AddFiles keeps the files of the posts behind the cursor up to a number, in the order of fs, and moves the cursor. Those of posts that were
// removed meanwhile are left out. ErrConflict when the cursor is not what the caller saw, ErrNotFound when the list is gone.
func (s *Store) AddFiles(list uint64, seen FilesCursor, upto uint64, fs []File) error {
	err := s.engine.Update(func(tx Tx) error {
		if tx.Get(key(tList, list)) == nil {
			return ErrNotFound
		}
		c, err := filesCursor(tx, list)
		if err != nil {
			return err
		}
		if c != seen || upto <= c.Upto {
			return ErrConflict
		}
		for _, f := range fs {
			if tx.Get(key(tRemoved, list, f.Post)) != nil {
				continue
			}
			c.Last++
			f.List, f.ID = list, c.Last
			if err := addFile(tx, f); err != nil {
				return err
			}
		}
		c.Upto = upto
		return put(tx, key(tFilesCursor, list), c)
	})
	if err != nil {
		return fmt.Errorf("add files: %w", err)
	}
	s.notify(topic{kind: 's', list: list})
	return nil
}

// ResetFiles drops the files of a list, in steps, so that they are gathered anew by a version. It does nothing when that has begun already.
func (s *Store) ResetFiles(list uint64, version int) error {
	for left := true; left; {
		err := s.engine.Update(func(tx Tx) error {
			left = false
			if c, err := filesCursor(tx, list); err != nil || c.Version == version || tx.Get(key(tList, list)) == nil {
				return err
			}
			for _, table := range tablesOfFiles {
				if n, err := deleteRange(tx, key(table, list), sweepBatch); err != nil || n > 0 {
					left = true
					return err
				}
			}
			return put(tx, key(tFilesCursor, list), FilesCursor{Version: version})
		})
		if err != nil {
			return fmt.Errorf("reset files: %w", err)
		}
	}
	return nil
}

// tablesOfFiles in an order in which all rows that are left still fit together, for reading and for removePost.
var tablesOfFiles = []byte{tFilePost, tFileLatest, tFileGroup, tFileContent, tFile}

func addFile(tx Tx, f File) error {
	known := firstNumber(tx, key(tFileContent, f.List, f.Content[:]))
	if err := put(tx, key(tFile, f.List, f.ID), f); err != nil {
		return err
	}
	if err := tx.Put(key(tFilePost, f.List, f.Post, f.ID), present); err != nil {
		return err
	}
	if err := tx.Put(key(tFileContent, f.List, f.Content[:], f.ID), present); err != nil || known != 0 {
		return err
	}
	return showFile(tx, f)
}

// removeFiles goes with the post that they are in. A file that is in another post too is from now on the one there.
func removeFiles(tx Tx, list, post uint64) error {
	for _, id := range fileIDs(tx, list, post) {
		f, err := get[File](tx, key(tFile, list, id))
		if err != nil {
			return err
		}
		if err := removeFile(tx, f); err != nil {
			return err
		}
	}
	return nil
}

func fileIDs(tx Tx, list, post uint64) (ids []uint64) {
	prefix := key(tFilePost, list, post)
	for k := range tx.Scan(prefix, after(prefix)) {
		ids = append(ids, lastNumber(k))
	}
	return ids
}

func removeFile(tx Tx, f File) error {
	same := key(tFileContent, f.List, f.Content[:])
	shown := firstNumber(tx, same) == f.ID
	for _, k := range [][]byte{key(tFile, f.List, f.ID), key(tFilePost, f.List, f.Post, f.ID), key(tFileContent, f.List, f.Content[:], f.ID)} {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	if !shown {
		return nil
	}
	if err := hideFile(tx, f); err != nil {
		return err
	}
	next := firstNumber(tx, same)
	if next == 0 {
		return nil
	}
	twin, err := get[File](tx, key(tFile, f.List, next))
	if err != nil {
		return err
	}
	return showFile(tx, twin)
}

// showFile puts a file among the versions of its group; the newest of them stands for all.
func showFile(tx Tx, f File) error {
	group := key(tFileGroup, f.List, f.Group[:])
	newest := newestNumber(tx, group)
	if err := tx.Put(key(tFileGroup, f.List, f.Group[:], f.ID), present); err != nil || newest > f.ID {
		return err
	}
	if newest != 0 {
		if err := tx.Delete(key(tFileLatest, f.List, newest)); err != nil {
			return err
		}
	}
	return tx.Put(key(tFileLatest, f.List, f.ID), f.found())
}

func hideFile(tx Tx, f File) error {
	group := key(tFileGroup, f.List, f.Group[:])
	wasNewest := newestNumber(tx, group) == f.ID
	if err := tx.Delete(key(tFileGroup, f.List, f.Group[:], f.ID)); err != nil || !wasNewest {
		return err
	}
	if err := tx.Delete(key(tFileLatest, f.List, f.ID)); err != nil {
		return err
	}
	next := newestNumber(tx, group)
	if next == 0 {
		return nil
	}
	older, err := get[File](tx, key(tFile, f.List, next))
	if err != nil {
		return err
	}
	return tx.Put(key(tFileLatest, f.List, next), older.found())
}

// The first byte of what a file is found by.
const (
	foundLink       = 'l'
	foundAttachment = 'a'
)

func (f File) found() []byte {
	if f.Link() {
		return append([]byte{foundLink}, f.Words...)
	}
	return append([]byte{foundAttachment}, f.Words...)
}

func firstNumber(tx Tx, prefix []byte) uint64 {
	for k := range tx.Scan(prefix, after(prefix)) {
		return lastNumber(k)
	}
	return 0
}

func newestNumber(tx Tx, prefix []byte) uint64 {
	for k := range tx.ScanBack(prefix, after(prefix)) {
		return lastNumber(k)
	}
	return 0
}

// FileQuery says which files are wanted. What is empty does not narrow it.
type FileQuery struct {
	Before      uint64   // ID
	Words       []string // parts of File.Words
	Links       bool     // only links
	Attachments bool     // only attachments
	Limit       int
}

func (q FileQuery) matches(found []byte) bool {
	if q.Links && found[0] != foundLink || q.Attachments && found[0] != foundAttachment {
		return false
	}
	for _, w := range q.Words {
		if !strings.Contains(string(found[1:]), w) {
			return false
		}
	}
	return true
}

// Shared is a file and the post that it is in.
type Shared struct {
	File
	In      Post
	Subject string   // of the thread
	Earlier []Shared // versions of it, newest first, at most 20, without Earlier of their own
}

const maxEarlier = 20

// Files that a list's posts shared, newest first: each once, under its newest version.
func (s *Store) Files(list uint64, q FileQuery) (fs []Shared, err error) {
	err = s.engine.View(func(tx Tx) error {
		from, to := key(tFileLatest, list), after(key(tFileLatest, list))
		if q.Before != 0 {
			to = key(tFileLatest, list, q.Before)
		}
		for k, found := range tx.ScanBack(from, to) {
			if len(fs) == q.Limit {
				return nil
			}
			if !q.matches(found) {
				continue
			}
			f, err := shared(tx, list, lastNumber(k))
			if err != nil {
				return err
			}
			if f.Earlier, err = earlier(tx, f.File); err != nil {
				return err
			}
			fs = append(fs, f)
		}
		return nil
	})
	return fs, err
}

// File finds one by its ID, also one that is not listed because it is the same as another. ErrNotFound.
func (s *Store) File(list, id uint64) (f Shared, err error) {
	err = s.engine.View(func(tx Tx) error {
		f, err = shared(tx, list, id)
		return err
	})
	return f, err
}

func shared(tx Tx, list, id uint64) (f Shared, err error) {
	if f.File, err = get[File](tx, key(tFile, list, id)); err != nil {
		return f, err
	}
	if f.In, err = get[Post](tx, key(tPost, list, f.Post)); err != nil {
		return f, err
	}
	t, err := get[Thread](tx, key(tThread, list, f.In.Thread))
	f.Subject = t.Subject
	return f, err
}

func earlier(tx Tx, f File) (fs []Shared, err error) {
	for k := range tx.ScanBack(key(tFileGroup, f.List, f.Group[:]), key(tFileGroup, f.List, f.Group[:], f.ID)) {
		if len(fs) == maxEarlier {
			break
		}
		older, err := shared(tx, f.List, lastNumber(k))
		if err != nil {
			return nil, err
		}
		fs = append(fs, older)
	}
	return fs, nil
}
