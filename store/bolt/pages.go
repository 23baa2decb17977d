package bolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"

	"wesouthasians.org/sangam/store"
)

// The format of a bbolt file, version 2, in the byte order of the machine. A page begins with its number (8 bytes), kind (2), number of
// elements (2) and of further pages that belong to it (4). Offsets of an element count from the element.
const (
	pageHeader    = 16
	elementSize   = 16
	branchPage    = 1
	leafPage      = 2
	freelistPage  = 16
	subBucket     = 1 // flag of an element
	bucketHeader  = 16
	metaMagic     = 0xED0CDAED
	metaVersion   = 2
	metaSummed    = 56 // bytes before the checksum
	noFreelist    = ^uint64(0)
	longFreelist  = 0xFFFF // the count is in the first element
	maxDepth      = 64
	maxHoles      = 1000
	largestPage   = 1 << 16
	largestExtent = 1 << 30
)

var native = binary.NativeEndian

// meta is a state of the file.
type meta struct {
	pageSize                   uint64
	root, freelist, high, txid uint64
}

// readMetas reads the states of a file that are whole, the newest first.
func readMetas(f io.ReaderAt) ([]meta, error) {
	var all []meta
	for size := int64(512); size <= largestPage; size *= 2 { // the second lies where the page size says, which the first may not tell
		for _, at := range []int64{0, size} {
			b := make([]byte, pageHeader+metaSummed+8)
			if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			m, ok := parseMeta(b[pageHeader:])
			if ok && m.pageSize == uint64(size) {
				all = append(all, m)
			}
		}
	}
	if len(all) > 1 && all[1].txid > all[0].txid {
		all[0], all[1] = all[1], all[0]
	}
	return all, nil
}

func parseMeta(b []byte) (m meta, ok bool) {
	h := fnv.New64a()
	h.Write(b[:metaSummed])
	m = meta{pageSize: uint64(native.Uint32(b[8:])), root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]), high: native.Uint64(b[40:]), txid: native.Uint64(b[48:])}
	return m, native.Uint32(b) == metaMagic && native.Uint32(b[4:]) == metaVersion && native.Uint64(b[metaSummed:]) == h.Sum64()
}

// inspect refuses a file on which bbolt would panic where nobody can catch it.
func inspect(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // bbolt tells
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file: name another folder as data in the configuration", path)
	}
	if info.Size() == 0 {
		return nil
	}
	metas, err := readMetas(f)
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case len(metas) == 0:
		return broken(path, "it does not begin as one")
	}
	m := metas[0]
	if need := m.high * m.pageSize; uint64(info.Size()) < need {
		return broken(path, fmt.Sprintf("it ends after %d of %d bytes", info.Size(), need))
	}
	if m.freelist == noFreelist {
		if holes := survey(f, m); len(holes) > 0 {
			return broken(path, holes[0].Cause)
		}
	}
	return nil
}

// Holes reads every page of a snapshot.
func (e *Engine) Holes() (holes []store.Hole, err error) {
	err = store.ErrConflict
	for range 100 {
		t, beginErr := e.db.Begin(false) // keeps the pages of its state as they are
		if beginErr != nil {
			return nil, beginErr
		}
		var metas []meta
		if metas, err = readMetas(e.file); err == nil {
			for _, m := range metas {
				if m.txid == uint64(t.ID()) {
					return survey(e.file, m), t.Rollback()
				}
			}
		}
		if rollbackErr := t.Rollback(); rollbackErr != nil {
			return nil, rollbackErr
		}
	}
	return nil, fmt.Errorf("the state of the store is written nowhere: %w", err)
}

// reading of the pages of a state.
type reading struct {
	meta
	f     io.ReaderAt
	used  []uint64 // bitmap of pages
	holes []store.Hole
}

// survey finds what cannot be read of a state. Its memory is a bit a page.
func survey(f io.ReaderAt, m meta) []store.Hole {
	r := &reading{meta: m, f: f}
	if m.high > 1<<40 {
		return []store.Hole{{Cause: "its first pages are damaged"}}
	}
	r.used = make([]uint64, m.high/64+1)
	r.take(0)
	r.take(1)
	r.walk(m.root, nil, nil, 0, r.table)
	if m.freelist != noFreelist {
		r.free()
	}
	return r.holes
}

// take marks a page as used and tells whether it was free.
func (r *reading) take(id uint64) bool {
	was := r.used[id/64] & (1 << (id % 64))
	r.used[id/64] |= 1 << (id % 64)
	return was == 0
}

func (r *reading) hole(from, to []byte, format string, args ...any) {
	if len(r.holes) < maxHoles {
		r.holes = append(r.holes, store.Hole{From: bytes.Clone(from), To: bytes.Clone(to), Cause: fmt.Sprintf(format, args...)})
	}
}

// page is one with those that belong to it.
type page struct {
	kind, count int
	data        []byte // with the header
}

func (r *reading) page(id uint64) (p page, cause string) {
	head := make([]byte, pageHeader)
	if id < 2 || id >= r.high {
		return p, fmt.Sprintf("there is no page %d", id)
	}
	if _, err := r.f.ReadAt(head, int64(id*r.pageSize)); err != nil {
		return p, fmt.Sprintf("page %d cannot be read: %v", id, err)
	}
	p.kind, p.count = int(native.Uint16(head[8:])), int(native.Uint16(head[10:]))
	more := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || p.kind != branchPage && p.kind != leafPage && p.kind != freelistPage || id+more >= r.high || (1+more)*r.pageSize > largestExtent {
		return p, fmt.Sprintf("page %d is damaged", id)
	}
	for at := id; at <= id+more; at++ {
		if !r.take(at) {
			return p, fmt.Sprintf("page %d is used twice", at)
		}
	}
	p.data = make([]byte, (1+more)*r.pageSize)
	if _, err := r.f.ReadAt(p.data, int64(id*r.pageSize)); err != nil {
		return p, fmt.Sprintf("page %d cannot be read: %v", id, err)
	}
	return p, ""
}

// element of a page: its flags (of a leaf) or its page (of a branch), its key and its value (of a leaf).
type element struct {
	flags      uint32
	child      uint64
	key, value []byte
}

// element i, whose key begins at an offset of the page, where the one before ended.
func (p page) element(i, begins int) (e element, ok bool) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return e, false
	}
	b := p.data[at:]
	var offset, keySize, valueSize uint32
	if p.kind == branchPage {
		offset, keySize, e.child = native.Uint32(b), native.Uint32(b[4:]), native.Uint64(b[8:])
	} else {
		e.flags, offset, keySize, valueSize = native.Uint32(b), native.Uint32(b[4:]), native.Uint32(b[8:]), native.Uint32(b[12:])
	}
	if uint64(at)+uint64(offset) != uint64(begins) || uint64(begins)+uint64(keySize)+uint64(valueSize) > uint64(len(p.data)) {
		return e, false
	}
	b = p.data[begins:]
	e.key, e.value = b[:keySize], b[keySize:keySize+valueSize]
	return e, true
}

// elements of a page, whose keys ascend from one to below another (nil: no bound).
func (p page) elements(from, to []byte) (es []element, ok bool) {
	last, begins := from, pageHeader+p.count*elementSize
	for i := range p.count {
		e, ok := p.element(i, begins)
		low := bytes.Compare(e.key, last)
		if !ok || len(e.key) == 0 || low < 0 || low == 0 && i > 0 || to != nil && bytes.Compare(e.key, to) >= 0 {
			return nil, false
		}
		last = e.key
		begins += len(e.key) + len(e.value)
		es = append(es, e)
	}
	return es, true
}

// walk reads the tree below a page, whose keys lie between two.
func (r *reading) walk(id uint64, from, to []byte, depth int, row func(element)) {
	p, cause := r.page(id)
	if cause != "" || depth > maxDepth || p.kind == freelistPage {
		r.hole(from, to, "%s", cmp.Or(cause, fmt.Sprintf("page %d is damaged", id)))
		return
	}
	r.read(p, id, from, to, depth, row)
}

func (r *reading) read(p page, id uint64, from, to []byte, depth int, row func(element)) {
	es, ok := p.elements(from, to)
	if !ok || p.kind == branchPage && len(es) == 0 {
		r.hole(from, to, "page %d is damaged", id)
		return
	}
	for i, e := range es {
		if p.kind == leafPage {
			row(e)
			continue
		}
		low, high := e.key, to
		if i == 0 && from != nil {
			low = from
		}
		if i+1 < len(es) {
			high = es[i+1].key
		}
		r.walk(e.child, low, high, depth+1, row)
	}
}

// table is a row of the root: a bucket, on a page of its own or, when it is small, in the row.
func (r *reading) table(e element) {
	if e.flags != subBucket || len(e.value) < bucketHeader || len(e.key) != 1 && !bytes.Equal(e.key, layoutBucket) {
		r.hole(nil, nil, "the table %q is damaged", e.key)
		return
	}
	from, to := e.key, []byte{e.key[0] + 1}
	if len(e.key) > 1 {
		from, to = nil, nil
	}
	if root := native.Uint64(e.value); root != 0 {
		r.walk(root, from, to, 0, r.row)
		return
	}
	data := e.value[bucketHeader:]
	if len(data) < pageHeader || native.Uint16(data[8:]) != leafPage {
		r.hole(from, to, "the small table %q is damaged", e.key)
		return
	}
	r.read(page{leafPage, int(native.Uint16(data[10:])), data}, 0, from, to, 0, r.row)
}

// row of a table. One that claims to be a table is not found when it is asked for.
func (r *reading) row(e element) {
	if e.flags != 0 {
		r.hole(e.key, append(bytes.Clone(e.key), 0), "a row has become something else")
	}
}

// free reads the list of free pages: what is in use must not be on it.
func (r *reading) free() {
	p, cause := r.page(r.freelist)
	if cause != "" || p.kind != freelistPage {
		r.hole(nil, nil, "the list of free pages is damaged")
		return
	}
	ids, count := p.data[pageHeader:], uint64(p.count)
	if count == longFreelist && len(ids) >= 8 {
		count, ids = native.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids))/8 {
		r.hole(nil, nil, "the list of free pages is damaged")
		return
	}
	for i := range count {
		if id := native.Uint64(ids[8*i:]); id < 2 || id >= r.high || !r.take(id) {
			r.hole(nil, nil, "page %d is in use and on the list of free pages: stop the server now, before it is written over", id)
			return
		}
	}
}
