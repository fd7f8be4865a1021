package files

import (
	"errors"

	"github.com/ferry-move/ferry/mobile/backup"
)

// A Commit that finds the disk full gives its files back as they are:
//
//	staged ─ Commit ─┬─ Added, Skipped, Failed
//	   ^             └─ full ─┬─ before the name: as it was, or doubtful ─┐
//	   │                      └─ after it: only the sync is missing ──────┤
//	   └──────────────────────────────────────────────────────────────────┘

// fullDisk reports whether err says that there is no space.
func fullDisk(err error) bool { return noSpace(err) || errors.Is(err, backup.NoSpace) }

// Uncommitted implements [backup.Recommitter].
func (s *stagedFile) Uncommitted() (still, doubtful bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.back, s.back && s.doubtful
}

// giveBack makes a file that a Commit has taken staged again.
func (s *stagedFile) giveBack(l *landing) {
	s.mu.Lock()
	if l.key != "" {
		s.landed = &landing{key: l.key, outcome: l.outcome, stamp: l.stamp}
	}
	s.settled, s.back = false, true
	s.mu.Unlock()
	s.w.mu.Lock()
	s.w.staged[s] = struct{}{}
	s.w.mu.Unlock()
}

// takeLost returns what the disk said when it could not keep the content. That
// it was full is said once: whoever commits again has written again.
func (s *stagedFile) takeLost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.lost
	s.doubtful = err != nil
	if fullDisk(err) {
		s.lost = nil
	}
	return err
}

// doubt notes that the content may not be on the disk.
func (s *stagedFile) doubt() {
	s.mu.Lock()
	s.doubtful = true
	s.mu.Unlock()
}

// again goes on with a file that has its name already.
func (n *namer) again(l *landing) error {
	above, _ := splitKey(l.key)
	d, err := n.at(above)
	if err != nil {
		return err
	}
	n.w.dst.retain(d)
	l.in = d
	return nil
}
