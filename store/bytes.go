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

// writeChunks reads one chunk a transaction, so that a slow writer holds none.
func (s *Store) writeChunks(w io.Writer, prefix []byte) error {
	for i := uint64(0); ; i++ {
		var raw []byte
		err := s.engine.View(func(tx Tx) (err error) {
			c := tx.Get(append(append([]byte(nil), prefix...), number(i)...))
			if c == nil {
				return ErrNotFound
			}
			raw, err = decompressor.DecodeAll(c, nil)
			return err
		})
		if err == ErrNotFound && i > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stored bytes: %w", err)
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
	var b bytes.Buffer
	err := s.writeChunks(&b, prefix)
	return b.Bytes(), err
}

// deleteRange deletes up to n rows that start with prefix and tells how many went.
func deleteRange(tx Tx, prefix []byte, n int) (int, error) {
	var keys [][]byte
	for k := range tx.Scan(prefix, after(prefix)) {
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
