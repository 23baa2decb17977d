package store

import (
	"bytes"
	"errors"
)

func (c *checker) fileRows() {
	c.scan(tFile, func(k, v []byte) {
		if c.list(k) == nil {
			return
		}
		f, ok := record[File](c, k, v)
		if !ok {
			return
		}
		what := c.row(k)
		p, err := find[Post](c, key(tPost, f.List, f.Post))
		switch {
		case !bytes.Equal(k, key(tFile, f.List, f.ID)):
			c.wrong(doReport, what, "it says it is file %d of list %d", f.ID, f.List)
		case errors.Is(err, ErrNotFound) || err == nil && p.Removed:
			c.wrong(doReport, what, "its post %d is not there", f.Post)
		case !c.has(key(tFilePost, f.List, f.Post, f.ID)) || !c.has(key(tFileContent, f.List, f.Content[:], f.ID)):
			c.wrong(doReport, what, "it is not found by its post or its content")
		}
		if cursor, err := find[FilesCursor](c, key(tFilesCursor, f.List)); errors.Is(err, ErrNotFound) || err == nil && cursor.Last < f.ID {
			c.wrong(doReport, what, "the cursor of files has not come so far")
		}
	})
	for _, table := range []byte{tFilePost, tFileContent, tFileGroup, tFileLatest} {
		c.scan(table, func(k, v []byte) {
			if c.list(k) == nil {
				return
			}
			f, err := find[File](c, key(tFile, k[1:9], lastNumber(k)))
			fits := map[byte]bool{tFilePost: second(k) == f.Post, tFileContent: bytes.HasPrefix(k[9:], f.Content[:]), tFileGroup: bytes.HasPrefix(k[9:], f.Group[:]),
				tFileLatest: bytes.Equal(v, f.found()) && c.has(key(tFileGroup, k[1:9], f.Group[:], f.ID))}[table]
			if errors.Is(err, ErrNotFound) || err == nil && !fits {
				c.wrong(doReport, c.row(k), "it leads to file %d, which is not there or is another", lastNumber(k))
			}
		})
	}
	c.scan(tFilesCursor, func(k, v []byte) {
		if c.list(k) != nil {
			record[FilesCursor](c, k, v)
		}
	})
}
