package store

import (
	"bytes"
	"errors"
	"iter"
)

// readable is Scan without the rows that are damaged, so that one of them does not keep what goes through a table from the others. What
// decides whether something may be deleted uses Scan.
func readable(tx Tx, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for from != nil {
			from = scanReadable(tx, from, to, yield)
		}
	}
}

// scanReadable goes up to a damaged row and returns what follows it; nil: nothing is left to do.
func scanReadable(tx Tx, from, to []byte, yield func(k, v []byte) bool) (next []byte) {
	outside := false
	defer func() {
		if outside { // a panic of who reads the rows
			return
		}
		r := recover()
		if d, ok := r.(*Damage); ok && d.Row {
			next = append(bytes.Clone(d.Key), 0)
		} else if r != nil {
			panic(r)
		}
	}()
	for k, v := range tx.Scan(from, to) {
		outside = true
		more := yield(k, v)
		if outside = false; !more {
			return nil
		}
	}
	return nil
}

// getReadable is get; damage of the row is its error.
func getReadable[T any](tx Tx, k []byte) (v T, err error) {
	defer func() {
		r := recover()
		if d, ok := r.(*Damage); ok {
			err = d
		} else if r != nil {
			panic(r)
		}
	}()
	return get[T](tx, k)
}

// IsDamage tells whether an error is that what is asked for is there and cannot be read. All else goes on.
func IsDamage(err error) bool {
	var d *Damage
	return errors.As(err, &d)
}

// allReadable are the records under a prefix that can be read and that keep wants (nil: all).
func allReadable[T any](tx Tx, prefix []byte, keep func(T) bool) ([]T, error) {
	return records(readable(tx, prefix, after(prefix)), keep)
}
