package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"wesouthasians.org/sangam/store"
)

// layout is the version of what this package makes of a row. Each change of it is a step of Upgrade.
//
//	1  the value as it is
//	2  the value and the CRC-32C of key and value, big-endian
const layout = 2

// layoutBucket has one row, layoutKey. Tables have names of one byte.
var layoutBucket, layoutKey = []byte("layout"), []byte("version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sumSize = 4

func sum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// seal makes what is stored of a value.
func seal(key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, len(value)+sumSize), value...), sum(key, value))
}

// unseal gives the value back. It panics with a *store.Damage when key or value are not what was put.
func unseal(key, stored []byte) []byte {
	n := len(stored) - sumSize
	if n < 0 || binary.BigEndian.Uint32(stored[n:]) != sum(key, stored[:n]) {
		panic(&store.Damage{Key: append([]byte(nil), key...), Row: true, Cause: "its checksum is wrong"})
	}
	return stored[:n:n]
}

// version of a file; 0: it is new.
func version(t *bbolt.Tx) int {
	if b := t.Bucket(layoutBucket); b != nil {
		if v := b.Get(layoutKey); len(v) == 1 {
			return int(v[0])
		}
	}
	if k, _ := t.Cursor().First(); k == nil {
		return 0
	}
	return 1
}

func putVersion(t *bbolt.Tx) error {
	b, err := t.CreateBucketIfNotExists(layoutBucket)
	if err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	return b.Put(layoutKey, []byte{layout})
}
