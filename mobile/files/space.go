package files

import (
	"sync"
	"time"
)

const (
	// reserve is what is always left free, in bytes: a full disk breaks
	// everything else on a phone. What fits beside it goes on.
	reserve = 1 << 20
	// A measured free space holds for spaceAge, or until spaceSpent bytes were
	// asked for since.
	spaceAge   = time.Second
	spaceSpent = 64 << 20
)

// space knows how much can still be taken in. What was staged and not yet
// written is on its way to the disk, so it counts as used.
type space struct {
	free func() (int64, error)

	mu sync.Mutex // guards the rest
	// unwritten is the sum of what staged files will still write, in bytes.
	unwritten int64
	// claimed is the sum of all sizes ever staged; it only grows.
	claimed int64
	// The last measurement: when, what was free beyond unwritten, claimed then.
	at        time.Time // with its monotonic reading: setting the clock makes it neither old nor new
	left      int64
	claimedAt int64
	known     bool
}

func newSpace(free func() (int64, error)) *space { return &space{free: free} }

// room reports whether n more bytes fit. It says yes when nobody knows.
func (s *space) room(n int64) bool {
	if s.free == nil || n == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.known && time.Since(s.at) < spaceAge && s.claimed-s.claimedAt < spaceSpent
	if fresh && s.fits(n) {
		return true
	}
	// Never refuse by an old measurement.
	free, err := s.free()
	if err != nil {
		s.known = false
		return true
	}
	s.at, s.left, s.claimedAt, s.known = time.Now(), free-s.unwritten, s.claimed, true
	return s.fits(n)
}

func (s *space) fits(n int64) bool {
	return n <= s.left-(s.claimed-s.claimedAt)-reserve
}

// stage counts a file of n bytes. Of a preallocated one the file system counts
// them already.
func (s *space) stage(n int64, preallocated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claimed += n
	if !preallocated {
		s.unwritten += n
	}
}

// wrote takes n bytes off what is still to be written.
func (s *space) wrote(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwritten -= n
}
