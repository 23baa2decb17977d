package store

import "iter"

// NumSet is a set of post numbers as bitmaps in chunks of ChunkSize numbers.
type NumSet struct{ chunks map[uint64][]byte }

func (s NumSet) Has(n uint64) bool                   { panic("outline") }
func (s NumSet) Len() int                            { panic("outline") }
func (s *NumSet) Add(n uint64)                       { panic("outline") }
func (s *NumSet) Remove(n uint64)                    { panic("outline") }
func (s NumSet) All() iter.Seq[uint64]               { panic("outline") } // ascending
func (s NumSet) FirstMissing(from, to uint64) uint64 { panic("outline") } // 0: none
