package store

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// recordVersion is the first byte of every encoded record.
const recordVersion = 1

var encoding = func() cbor.EncMode {
	m, err := cbor.EncOptions{Time: cbor.TimeUnixMicro}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

func encode(v any) ([]byte, error) {
	b, err := encoding.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return append([]byte{recordVersion}, b...), nil
}

func decode(b []byte, v any) error {
	if len(b) == 0 || b[0] != recordVersion {
		return fmt.Errorf("decode record: unknown version; run `sangam check`, or use the program that wrote it")
	}
	if err := cbor.Unmarshal(b[1:], v); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	for _, t := range times(v) {
		*t = t.UTC().Round(time.Microsecond)
	}
	return nil
}

// times lists the times of a record. CBOR gives them back in local time and as seconds in floating point, which keep
// microseconds when rounded.
func times(v any) []*time.Time {
	switch v := v.(type) {
	case *Post:
		return []*time.Time{&v.Date, &v.Received}
	case *Thread:
		return []*time.Time{&v.First, &v.Latest}
	case *Member:
		return []*time.Time{&v.Until, &v.Joined, &v.Failure.Last, &v.Failure.Suspended}
	case *List:
		return []*time.Time{&v.Created}
	case *Log:
		return []*time.Time{&v.Latest}
	case *Account:
		return []*time.Time{&v.Created}
	case *Held:
		return []*time.Time{&v.Received}
	case *Job:
		return []*time.Time{&v.Created, &v.Next}
	case *Token:
		return []*time.Time{&v.Created, &v.Expires}
	case *Ban:
		return []*time.Time{&v.Created}
	case *Departure:
		return []*time.Time{&v.At}
	case *Deferral:
		return []*time.Time{&v.Since, &v.Next}
	}
	return nil
}

// get reads one record; ErrNotFound when there is none.
func get[T any](tx Tx, k []byte) (T, error) {
	var v T
	b := tx.Get(k)
	if b == nil {
		return v, ErrNotFound
	}
	return v, decode(b, &v)
}

func put(tx Tx, k []byte, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return tx.Put(k, b)
}

// count adds to a counter and returns the new value.
func count(tx Tx, k []byte, by int64) (uint64, error) {
	n := uint64(int64(lastNumber(tx.Get(k))) + by)
	return n, tx.Put(k, number(n))
}
