package archived_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// recorder is a target that notes what comes, and keeps digests of content. It
// takes a file's blocks in their order.
type recorder struct {
	info    backup.Info
	verdict func(backup.Item) backup.Answer // nil = everything is needed

	mu    sync.Mutex
	lines map[string]string // by key; guarded by mu
	count int               // guarded by mu
	heap  uint64            // the most that was in use, in bytes; guarded by mu
}

func newRecorder(of backup.Agent) *recorder {
	return &recorder{info: of.Info(), lines: map[string]string{}}
}

func (r *recorder) Info() backup.Info { return r.info }
func (r *recorder) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return nil, errors.ErrUnsupported
}
func (r *recorder) Restore(context.Context, backup.Transport) (backup.Restore, error) { return r, nil }
func (r *recorder) Close() error                                                      { return nil }

func (r *recorder) Check(_ context.Context, it backup.Item, _ backup.Prior) backup.Answer {
	if r.verdict == nil {
		return backup.Answer{Verdict: backup.Need}
	}
	return r.verdict(it)
}

func (r *recorder) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	return &recorded{r: r, it: it, h: blake3.New(32, nil), early: map[int64][]byte{}}, nil
}

func (r *recorder) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	res := make([]backup.Result, len(batch))
	for i, s := range batch {
		it := s.(*recorded).it
		r.count++
		if r.count%8192 == 1024 {
			r.measure()
		}
		res[i].Outcome = backup.Added
		if it.Type == backup.TypeFile {
			r.lines[string(it.Key)] = fmt.Sprintf("%x", s.(*recorded).h.Sum(nil))
		} else {
			r.lines[string(it.Key)] = string(it.Value)
		}
	}
	return res
}

// measure is called with mu held. What is garbage does not count.
func (r *recorder) measure() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.heap = max(r.heap, m.HeapAlloc)
}

// recorded is an item on its way in.
type recorded struct {
	r  *recorder
	it backup.Item

	mu    sync.Mutex
	h     *blake3.Hasher
	next  int64
	early map[int64][]byte
}

func (*recorded) Discard() error { return nil }

// zeros are shared by all that are early.
var zeros [1 << 20]byte

func (s *recorded) WriteAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off != s.next {
		if len(p) <= len(zeros) && bytes.Equal(p, zeros[:len(p)]) {
			s.early[off] = zeros[:len(p)] // a lane may be far ahead with these
		} else {
			s.early[off] = bytes.Clone(p)
		}
		return len(p), nil
	}
	for b := p; b != nil; b = s.early[s.next] {
		delete(s.early, s.next)
		s.h.Write(b)
		s.next += int64(len(b))
	}
	if off%(64<<20) == 0 && off > 0 {
		s.r.mu.Lock()
		s.r.measure()
		s.r.mu.Unlock()
	}
	return len(p), nil
}
