package store

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
)

// bitmapNumbers is how many numbers one bitmap of a NumSet covers: 1 KiB.
const bitmapNumbers = 8192

// NumSet is a set of post numbers, kept as bitmaps. The zero value is empty.
type NumSet struct{ chunks map[uint64][]byte }

// Has reports whether n is in the set.
func (s NumSet) Has(n uint64) bool {
	c, at := s.chunks[n/bitmapNumbers], n%bitmapNumbers
	return int(at/8) < len(c) && c[at/8]&(1<<(at%8)) != 0
}

// Len counts the numbers, by bitmap and not one by one.
func (s NumSet) Len() int {
	n := 0
	for _, c := range s.chunks {
		for _, b := range c {
			n += bits.OnesCount8(b)
		}
	}
	return n
}

// Add puts n into the set.
func (s *NumSet) Add(n uint64) {
	if s.chunks == nil {
		s.chunks = map[uint64][]byte{}
	}
	s.chunks[n/bitmapNumbers] = setBit(s.chunks[n/bitmapNumbers], n%bitmapNumbers)
}

// Remove takes n out of the set.
func (s *NumSet) Remove(n uint64) { clearBit(s.chunks[n/bitmapNumbers], n%bitmapNumbers) }

// All yields the numbers in ascending order.
func (s NumSet) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, i := range slices.Sorted(maps.Keys(s.chunks)) {
			for at, b := range s.chunks[i] {
				for ; b != 0; b &= b - 1 {
					if !yield(i*bitmapNumbers + uint64(at)*8 + uint64(bits.TrailingZeros8(b))) {
						return
					}
				}
			}
		}
	}
}

func setBit(c []byte, at uint64) []byte {
	if need := int(at/8) + 1; need > len(c) {
		c = append(c, make([]byte, need-len(c))...)
	}
	c[at/8] |= 1 << (at % 8)
	return c
}

func clearBit(c []byte, at uint64) {
	if int(at/8) < len(c) {
		c[at/8] &^= 1 << (at % 8)
	}
}
