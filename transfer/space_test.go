package transfer_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

// spaceTold is what an observer heard of a full disk.
type spaceTold struct {
	mu      sync.Mutex
	at      []time.Time // guarded by mu
	missing []int64     // guarded by mu
}

func (s *spaceTold) ItemEnded(backup.Kind, backup.Key, backup.Key, backup.Reason) {}

// Waiting implements transfer.SpaceObserver.
func (s *spaceTold) Waiting(missing int64, _ transfer.Shortage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.missing = append(s.at, time.Now()), append(s.missing, missing)
}

func (s *spaceTold) last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing[len(s.missing)-1]
}

// most is the most that was told within a second.
func (s *spaceTold) most() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, from := range s.at {
		n = max(n, len(slices.DeleteFunc(slices.Clone(s.at[i:]), func(t time.Time) bool { return t.Sub(from) >= time.Second })))
	}
	return n
}

// TestFullAgainAndAgain: a receiver whose disk is full and is not, faster than
// anybody can read, tells a person at most ten times a second, and in the end how it
// is.
func TestFullAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told spaceTold
		e := sending(t, func(c *transfer.SendConfig) { c.Observer = &told }, func(f *fake) {
			f.answers()
			all := f.listed()
			full := &wire.Full{Missing: 1 << 20}
			f.say(full)
			synctest.Wait()
			if told.last() != 1<<20 {
				t.Error("it is not told at once that the disk is full")
			}
			for i := range uint64(3000) {
				f.say(&wire.Full{Missing: i % 7}) // 0 among them
				time.Sleep(time.Millisecond)      // of virtual time
			}
			f.say(&wire.Full{Missing: 7})
			time.Sleep(300 * time.Millisecond)
			if n := told.last(); n != 7 {
				t.Errorf("7 bytes are missing, and %d were told", n)
			}
			f.say(full)
			synctest.Wait()
			f.say(&wire.Full{}) // too soon after the last
			if n := told.last(); n != 1<<20 {
				t.Errorf("a megabyte was missing, and %d were told", n)
			}
			f.takes(all)
			f.agrees(nil)
			hear[*wire.Bye](f)
			f.say(&wire.Bye{})
			f.heardStop()
		})
		if e.err != nil || told.last() != 0 {
			t.Errorf("%v; it ends with %d bytes missing", e.err, told.last())
		}
		if n := told.most(); n > 10 {
			t.Errorf("%d times within a second", n)
		}
		if n := len(told.missing); n < 10 {
			t.Errorf("told %d times in three seconds", n)
		}
	})
}
