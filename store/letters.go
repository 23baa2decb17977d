package store

import "context"

// Letter is a mail of the server's own. A use case that takes letters writes them in the commit of what they tell of: a crash leaves both
// or neither, and who tries again tells it once.
type Letter struct {
	Job
	chunks [][]byte
}

// NewLetter makes a letter; raw is whole but for what delivery adds.
func NewLetter(j Job, raw []byte) Letter { return Letter{j, compress(raw)} }

// updateAndTell makes a change and queues the letters that tell of it. The letters get their IDs.
func (s *Store) updateAndTell(letters []Letter, change func(tx Tx) error) error {
	err := s.engine.Update(func(tx Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		for i := range letters {
			if err := letters[i].queue(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(letters) > 0 {
		s.notify(topic{kind: 'o'})
	}
	return err
}

func (l *Letter) queue(tx Tx) (err error) {
	if l.Job, err = addJob(tx, l.Job); err != nil {
		return err
	}
	return putChunks(tx, key(tJobRaw, l.ID), l.chunks)
}

// Send queues letters that tell of no change.
func (s *Store) Send(ctx context.Context, letters ...Letter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.updateAndTell(letters, func(Tx) error { return nil })
}
