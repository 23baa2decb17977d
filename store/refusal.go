package store

import (
	"errors"
	"fmt"
)

// Sentinels that callers branch on.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	// ErrDuplicate: a post with this Message-ID and the same content is in the log.
	ErrDuplicate = errors.New("duplicate post")
	// ErrConflict: a post with this Message-ID and other content is in the log.
	ErrConflict = errors.New("another post has this Message-ID")
)

// Refusal is an error at the edge: what the remote may see and the private cause. It is rendered by SMTP as Code and
// Enhanced, by HTTP as a status and by IMAP as NO.
type Refusal struct {
	Code     int    // SMTP reply code, RFC 5321 section 4.2
	Enhanced [3]int // enhanced status code, RFC 3463
	Public   string // one line for the remote, saying what to do
	Cause    error  // for the log; may be nil
}

func (r *Refusal) Error() string {
	if r.Cause != nil {
		return fmt.Sprintf("%s: %v", r.Public, r.Cause)
	}
	return r.Public
}

func (r *Refusal) Unwrap() error { return r.Cause }

// Temporary reports whether trying again may help.
func (r *Refusal) Temporary() bool { return r.Code/100 == 4 }
