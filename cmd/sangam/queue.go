package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/store"
)

func newQueue(e *env) *cobra.Command {
	return newGroup("queue", "Outgoing mail that is not delivered yet", "  sangam queue ls", newQueueLs(e), newQueueShow(e), newQueueRetry(e), newQueueDrop(e))
}

// queueRows of a job: one for each recipient that was tried, and one for those that were not.
func (s *site) queueRows(j store.Job, ds []store.Deferral) ([]row, error) {
	l, err := s.ListByID(j.List)
	name := s.name(l)
	if errors.Is(err, store.ErrNotFound) { // a mail to owners or admins belongs to none
		name, err = "", nil
	}
	if err != nil {
		return nil, err
	}
	var rows []row
	if !j.Exhausted {
		n, err := s.CountWaiting(j, s.parts.Now())
		if err != nil {
			return nil, err
		}
		answer := j.LastAnswer
		if answer == "" && l.OnHold && j.ListMail() {
			answer = "the list is on hold: FREE by mail lets it go"
		}
		if n > 0 {
			rows = append(rows, row{"id": j.ID, "list": name, "number": j.Number, "recipient": "", "recipients": n, "attempts": j.Attempts,
				"next_attempt": stamp(j.Next), "last_answer": answer, "created": stamp(j.Created)})
		}
	}
	for _, d := range ds {
		rows = append(rows, row{"id": j.ID, "list": name, "number": j.Number, "recipient": string(d.Recipient), "recipients": 1, "attempts": d.Attempts,
			"next_attempt": stamp(d.Next), "last_answer": d.LastAnswer, "created": stamp(j.Created)})
	}
	return rows, nil
}

// job finds a job by its ID on the command line.
func (s *site) job(text string) (store.Job, error) {
	id, err := number(text, "queue")
	if err != nil {
		return store.Job{}, err
	}
	j, err := s.Job(id)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("no job has the ID %d: it is done, or see `sangam queue ls`", id)
	}
	return j, err
}
