package store

// topic is what a channel of notify.go tells about.
type topic struct {
	kind    byte // p: posts of list, f: flags of account, o: outbox, r: retries, d: digests, s: files of list
	list    uint64
	account Address
}

// changed returns a channel that is closed at the next change of the topic. Take it, look, then wait.
func (s *Store) changed(t topic) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.topics[t]
	if c == nil {
		c = make(chan struct{})
		s.topics[t] = c
	}
	return c
}

func (s *Store) notify(ts ...topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range ts {
		if c := s.topics[t]; c != nil {
			close(c)
			delete(s.topics, t)
		}
	}
}

// PostsChanged is closed when a post of the list was accepted or removed, or who may read it may have changed; list 0: of any list.
func (s *Store) PostsChanged(list uint64) <-chan struct{} {
	return s.changed(topic{kind: 'p', list: list})
}

// FilesChanged is closed when files of the list were gathered.
func (s *Store) FilesChanged(list uint64) <-chan struct{} {
	return s.changed(topic{kind: 's', list: list})
}

// FlagsChanged is closed when a flag of the account changed.
func (s *Store) FlagsChanged(account Address) <-chan struct{} {
	return s.changed(topic{kind: 'f', account: account})
}

// DigestsChanged is closed when a digest may be owed to a member who changed options.
func (s *Store) DigestsChanged() <-chan struct{} { return s.changed(topic{kind: 'd'}) }

// RetryAsked is closed when somebody wants what waits to be tried now.
func (s *Store) RetryAsked() <-chan struct{} { return s.changed(topic{kind: 'r'}) }

// OutboxChanged is closed when a job was added or made due.
func (s *Store) OutboxChanged() <-chan struct{} { return s.changed(topic{kind: 'o'}) }

func (s *Store) postsChanged(list uint64) {
	s.notify(topic{kind: 'p', list: list}, topic{kind: 'p'})
}
