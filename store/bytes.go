package store

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// chunkSize bounds what one value holds, in raw bytes.
const chunkSize = 1 << 20

var (
	compressor, _   = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(4), zstd.WithEncoderLevel(zstd.SpeedDefault))
	decompressor, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(4), zstd.WithDecoderMaxMemory(2*chunkSize))
)

// compress cuts raw into chunks that can be read one by one.
func compress(raw []byte) [][]byte {
	var chunks [][]byte
	for {
		n := min(len(raw), chunkSize)
		chunks = append(chunks, compressor.EncodeAll(raw[:n], make([]byte, 0, n/2+64)))
		if raw = raw[n:]; len(raw) == 0 {
			return chunks
		}
	}
}

func putChunks(tx Tx, prefix []byte, chunks [][]byte) error {
	for i, c := range chunks {
		if err := tx.Put(append(append([]byte(nil), prefix...), number(uint64(i))...), c); err != nil {
			return err
		}
	}
	return nil
}

// readChunk reads one chunk in a transaction of its own, so that a slow writer holds none. ErrNotFound.
func (s *Store) readChunk(prefix []byte, i uint64) (raw []byte, err error) {
	err = s.engine.View(func(tx Tx) (err error) {
		c := tx.Get(append(append(make([]byte, 0, len(prefix)+8), prefix...), number(i)...))
		if c == nil {
			return ErrNotFound
		}
		raw, err = decompressor.DecodeAll(c, nil)
		return err
	})
	if err != nil && err != ErrNotFound {
		err = fmt.Errorf("read stored bytes: %w", err)
	}
	return raw, err
}

func (s *Store) writeChunks(w io.Writer, prefix []byte) error {
	for i := uint64(0); ; i++ {
		raw, err := s.readChunk(prefix, i)
		if err == ErrNotFound && i > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		if len(raw) < chunkSize {
			return nil
		}
	}
}

func (s *Store) readChunks(prefix []byte) ([]byte, error) {
	all, err := s.readChunk(prefix, 0)
	for i := uint64(1); err == nil && len(all)%chunkSize == 0 && len(all) > 0; i++ {
		var raw []byte
		if raw, err = s.readChunk(prefix, i); err == ErrNotFound {
			return all, nil
		}
		all = append(all, raw...)
	}
	return all, err
}

// deleteRange deletes up to n rows that start with prefix and tells how many went.
func deleteRange(tx Tx, prefix []byte, n int) (int, error) {
	var keys [][]byte
	for k := range tx.Keys(prefix, after(prefix)) {
		if len(keys) == n {
			break
		}
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// everyChunk is more chunks than the largest message has.
const everyChunk = 1 << 16
