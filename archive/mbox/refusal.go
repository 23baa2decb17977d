package mbox

import "fmt"

// Refusal tells of something that was not imported.
type Refusal struct {
	Source string `json:"source"` // file and place: list.mbox:123 is the line of the message's From line
	Reason string `json:"reason"`
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Source, r.Reason) }
