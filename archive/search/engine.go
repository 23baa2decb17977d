package search

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// engine is an open index of bleve.
type engine struct {
	index.Index
	queue  *index.AnalysisQueue
	path   string
	broken chan struct{} // closed when a goroutine of it has died
	die    sync.Once
	cause  error           // of that
	agreed map[uint64]bool // lists whose logs are those that it has followed; of the goroutine that writes
}

// closeTime bounds how long an engine is waited for that may be broken.
const closeTime = 30 * time.Second

// engines by their folders, for what bleve tells of its goroutines.
var engines sync.Map

const callback = "sangam"

func init() {
	scorch.RegistryAsyncErrorCallbacks[callback] = func(err error, path string) {
		if e, ok := engines.Load(path); ok && errors.Is(err, scorch.ErrAsyncPanic) {
			e.(*engine).fail(err)
		}
	}
}

func newEngine(folder string) (*engine, error) {
	e := &engine{path: folder, queue: index.NewAnalysisQueue(1), broken: make(chan struct{}), agreed: map[uint64]bool{}}
	var err error
	e.Index, err = scorch.NewScorch(scorch.Name, map[string]any{"path": folder, "bolt_timeout": "1s", "asyncErrorCallbackName": callback}, e.queue)
	if err == nil {
		engines.Store(folder, e)
		err = e.Open()
	}
	if err != nil {
		e.queue.Close()
		engines.CompareAndDelete(folder, e)
		return nil, err
	}
	return e, nil
}

func (e *engine) fail(cause error) {
	e.die.Do(func() {
		e.cause = cause
		close(e.broken)
	})
}

func (e *engine) isBroken() bool {
	select {
	case <-e.broken:
		return true
	default:
		return false
	}
}

// close waits, but not for what is broken.
func (e *engine) close() error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("%v", v)
			}
		}()
		done <- e.Index.Close()
	}()
	defer e.queue.Close()
	defer engines.CompareAndDelete(e.path, e)
	select {
	case err := <-done:
		return err
	case <-time.After(closeTime):
		return errors.New("it does not end")
	}
}

// apply returns when a batch can be found and is on disk.
func (e *engine) apply(b *index.Batch) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- &suspect{error: fmt.Errorf("%v", v)}
			}
		}()
		done <- e.Batch(b)
	}()
	select {
	case err := <-done:
		return err
	case <-e.broken:
		return &suspect{error: e.cause}
	}
}

// read runs fn on what the index holds now.
func (e *engine) read(fn func(index.IndexReader) error) error {
	r, err := e.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	return fn(r)
}

func (e *engine) internal(key string) (value []byte, err error) {
	err = e.read(func(r index.IndexReader) error {
		value, err = r.GetInternal([]byte(key))
		return err
	})
	return value, err
}

// verify compares every file with its checksum.
func (e *engine) verify() error {
	return e.read(func(r index.IndexReader) error {
		snapshot, ok := r.(*scorch.IndexSnapshot)
		if !ok {
			return nil
		}
		for _, s := range snapshot.Segments() {
			if p, ok := s.Segment().(segment.PersistedSegment); ok {
				if err := verifyFile(p.Path()); err != nil {
					return fmt.Errorf("%s: %w", filepath.Base(p.Path()), err)
				}
			}
		}
		return nil
	})
}

var errChecksum = errors.New("the checksum is wrong")

// verifyFile checks a file of zapx: its last four bytes are the CRC-32 (IEEE) of all before them.
func verifyFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < crc32.Size {
		return errChecksum
	}
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, f, info.Size()-crc32.Size); err != nil {
		return err
	}
	var last [crc32.Size]byte
	if _, err := io.ReadFull(f, last[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(last[:]) != sum.Sum32() {
		return errChecksum
	}
	return nil
}
