package storetest

import (
	"errors"
	"math"
	"testing"

	"wesouthasians.org/sangam/store"
)

// ErrCrash: the engine writes no more.
var ErrCrash = errors.New("crashed")

// Crash is an engine that stops writing after some commits, as at the death of the process.
type Crash struct {
	store.Engine
	left int
}

// After n more commits nothing is written; negative: never.
func (c *Crash) After(n int) {
	if c.left = n; n < 0 {
		c.left = math.MaxInt
	}
}

// Update fails when the engine has crashed.
func (c *Crash) Update(fn func(store.Tx) error) error {
	if c.left == 0 {
		return ErrCrash
	}
	c.left--
	return c.Engine.Update(fn)
}

// NewCrashing is NewStore with an engine that can crash. It is for one goroutine.
func NewCrashing(t testing.TB) (*store.Store, *Crash) {
	t.Helper()
	crash := &Crash{left: math.MaxInt}
	s := open(t, func(e store.Engine) store.Engine {
		crash.Engine = e
		return crash
	})
	return s, crash
}
