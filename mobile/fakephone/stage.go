package fakephone

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// heldLeaves is how many full leaves a file holds so that what was just
	// written can be written again, as after a broken link: 2 MiB.
	heldLeaves = 8
	// openLeaves is how many leaves can be begun and not full: 16 MiB.
	openLeaves = 64
)

var (
	errOutside   = errors.New("a block lies outside the file")
	errScattered = errors.New("too many parts of the file are begun and not full")
	errRewritten = errors.New("a block that left memory was written again in part")
	errNotFilled = errors.New("the file was not filled")
	errEnded     = errors.New("it was committed or discarded")
)

// staged is an item on its way in:
//
//	Stage  ┬-> filling ┬-> Commit, Discard or Close -> ended
//	Resume ┘           └-> Keep: another goes on with its leaves
//
// The content of a file that is not kept is hashed leaf by leaf as it comes.
type staged struct {
	item backup.Item // immutable
	temp string      // immutable; a file's temporary name
	keep bool        // immutable: all leaves are held
	to   *target     // set before it is shared, and anew by Resume

	mu     sync.Mutex
	ended  bool            // guarded by mu
	leaves map[int64]*part // guarded by mu; those in memory
	full   []int64         // guarded by mu; the full ones among them, oldest first
	values map[int64]value // guarded by mu; those that left memory
	spare  []byte          // guarded by mu; the memory of one that left
	length int64           // immutable; of a leftover: the bytes that are there
}

// stagedFile is a staged item that takes content.
type stagedFile struct{ *staged }

var _ backup.StagedFile = stagedFile{}

// part is a leaf in memory.
type part struct {
	buf  []byte
	have []span // what was written, sorted, apart
}

type span struct{ lo, hi int }

func (p *part) full() bool { return len(p.have) == 1 && p.have[0] == span{0, len(p.buf)} }

func (p *part) write(b []byte, at int) {
	s := span{at, at + copy(p.buf[at:], b)}
	i, _ := slices.BinarySearchFunc(p.have, s.lo, func(h span, lo int) int { return cmp.Compare(h.hi, lo) })
	j := i
	for ; j < len(p.have) && p.have[j].lo <= s.hi; j++ {
		s.lo, s.hi = min(s.lo, p.have[j].lo), max(s.hi, p.have[j].hi)
	}
	p.have = slices.Replace(p.have, i, j, s)
}

// WriteAt implements [io.WriterAt].
func (f stagedFile) WriteAt(b []byte, off int64) (n int, err error) {
	if off < 0 || off > f.item.Size || int64(len(b)) > f.item.Size-off {
		return 0, f.to.fail("write", backup.TooLarge, errOutside)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return 0, f.to.fail("write", backup.Unknown, errEnded)
	}
	for n < len(b) {
		i, at := off/leaf, int(off%leaf)
		m := min(len(b)-n, leaf-at)
		p, err := f.leaf(i, m)
		if err != nil {
			return n, err
		}
		was := p.full()
		p.write(b[n:n+m], at)
		if !was && p.full() {
			f.filled(i)
		}
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// leaf returns leaf i for writing m bytes. The caller holds mu.
func (f stagedFile) leaf(i int64, m int) (*part, error) {
	if p := f.leaves[i]; p != nil {
		return p, nil
	}
	size := int(min(leaf, f.item.Size-i*leaf))
	if _, ok := f.values[i]; ok {
		if m < size {
			return nil, f.to.fail("write", backup.Unknown, errRewritten)
		}
		delete(f.values, i)
	}
	if !f.keep && len(f.leaves)-len(f.full) >= openLeaves {
		return nil, f.to.fail("write", backup.Unknown, errScattered)
	}
	p := &part{}
	if cap(f.spare) >= size {
		p.buf, f.spare = f.spare[:size], nil
	} else {
		p.buf = make([]byte, size)
	}
	if f.leaves == nil {
		f.leaves = map[int64]*part{}
	}
	f.leaves[i] = p
	return p, nil
}

// filled notes that leaf i is full and hashes the oldest if there are many.
// The caller holds mu.
func (f stagedFile) filled(i int64) {
	f.full = append(f.full, i)
	if f.keep || len(f.full) <= heldLeaves {
		return
	}
	old := f.full[0]
	f.full = append(f.full[:0], f.full[1:]...)
	if f.values == nil {
		f.values = map[int64]value{}
	}
	f.values[old] = leafValue(f.leaves[old].buf, old)
	f.spare = f.leaves[old].buf
	delete(f.leaves, old)
}

// finish returns the digest of the whole file, and its content if it is kept.
// The caller holds mu.
func (f stagedFile) finish() (d backup.Digest, content []byte, err error) {
	count := (f.item.Size + leaf - 1) / leaf
	if int64(len(f.full)+len(f.values)) != count {
		return d, nil, f.to.fail("commit", backup.Damaged, errNotFilled)
	}
	if f.keep {
		content = make([]byte, 0, f.item.Size)
		for i := range count {
			content = append(content, f.leaves[i].buf...)
		}
		return sum(content), content, nil
	}
	if count == 0 {
		return sum(nil), nil, nil
	}
	if count == 1 {
		return sum(f.leaves[0].buf), nil, nil
	}
	values := make([]value, count)
	for i := range values {
		if p := f.leaves[int64(i)]; p != nil {
			values[i] = leafValue(p.buf, int64(i))
		} else {
			values[i] = f.values[int64(i)]
		}
	}
	return root(values), nil, nil
}

// claim ends the filling. It fails if that was ended before.
func (s *staged) claim() (d backup.Digest, x extra, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return d, x, s.to.fail("commit", backup.Unknown, errEnded)
	}
	switch s.item.Type {
	case backup.TypeEntity:
		d, x = sum(s.item.Value), extra{group: s.item.Group, content: s.item.Value}
	case backup.TypeFile:
		x.kept = s.keep
		d, x.content, err = stagedFile{s}.finish()
	}
	s.drop()
	return d, x, err
}

// drop ends the item and frees its memory. The caller holds mu.
func (s *staged) drop() {
	s.ended = true
	s.leaves, s.values, s.full, s.spare = nil, nil, nil, nil
}

// release gives the space back that was set aside for the item.
func (s *staged) release() {
	s.to.dev.free.Add(s.item.Size)
	if s.keep {
		s.to.dev.keep.Add(s.item.Size)
	}
}

// Discard implements [backup.Staged]. What has ended stays as it is.
func (s *staged) Discard() error {
	s.mu.Lock()
	was := s.ended
	s.drop()
	s.mu.Unlock()
	if !was {
		s.release()
		s.to.forget(s)
	}
	return nil
}
