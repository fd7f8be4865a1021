package local

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

const (
	// batchBytes is how much is sorted in memory at a time unless a test says
	// otherwise. It is less than 4 GiB.
	batchBytes = 8 << 20
	// recordBytes is what a record takes there besides its key and its value.
	recordBytes = 64
	// fanIn is how many runs of one level become one of the next: a terabyte
	// ends in less than eighty runs, each with a buffer to merge them.
	fanIn = 16
)

var errOrderBroken = errors.New("entities are not in order")

// sorter sorts an entity stream: in batches in memory, which become runs on the
// disk. A later record with the same key replaces an earlier one.
type sorter struct {
	ctx   context.Context
	f     *folder
	batch int64 // bytes that are sorted in memory at a time

	values  []byte // of the batch
	records []record
	used    int64 // bytes of the batch

	// runs are sorted, each key once, oldest first; their levels never rise.
	// The last one is open as long as the batches happen to continue it.
	runs []*run
}

// record is an entity of the batch.
type record struct {
	key  entity.Key
	at   uint32 // where the value begins in values
	size int32  // -1 = deleted
	seq  uint32 // the later of two wins
}

// run is a sorted file.
type run struct {
	part    *part
	w       *entity.Writer // nil once closed
	level   int
	last    entity.Key // the highest; "" = none
	values  int64      // bytes
	deletes bool
}

func (s *sorter) create(level int) (*run, error) {
	p, err := s.f.create()
	if err != nil {
		return nil, err
	}
	w := entity.NewWriter(p, entity.Options{Limits: limits, System: true})
	return &run{part: p, w: w, level: level}, nil
}

func (r *run) begin(h entity.Header) error {
	r.last = h.Key
	if h.Deleted {
		r.deletes = true
		return r.w.Delete(h.Key)
	}
	r.values += h.Size
	return r.w.WriteHeader(h.Key, h.Size)
}

// close ends the stream. The file stays open, to be read or kept.
func (r *run) close() error {
	w := r.w
	r.w = nil // and its buffer
	return w.Close()
}

// discard removes every run.
func (s *sorter) discard() {
	for _, r := range s.runs {
		r.part.discard()
	}
}

// read takes a whole stream and ends with at least one run, all of them closed.
func (s *sorter) read(in *entity.Reader) error {
	for h, err := range in.All() {
		if err != nil {
			return inputError{err}
		}
		if err := s.add(h, in); err != nil {
			return err
		}
	}
	if err := s.spill(); err != nil {
		return err
	}
	if len(s.runs) == 0 {
		if _, err := s.target(""); err != nil {
			return err
		}
	}
	s.values, s.records = nil, nil
	return s.runs[len(s.runs)-1].close()
}

func (s *sorter) add(h entity.Header, in *entity.Reader) error {
	need := int64(len(h.Key)+recordBytes) + h.Size
	if need > s.batch-s.used {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if need > s.batch {
		return s.pass(h, in)
	}
	rec := record{key: h.Key, at: uint32(len(s.values)), size: int32(h.Size), seq: uint32(len(s.records))}
	if h.Deleted {
		rec.size = -1
	}
	var err error
	if s.values, err = in.AppendData(s.values, h.Size); err != nil {
		return inputError{err}
	}
	s.records = append(s.records, rec)
	s.used += need
	return nil
}

// pass takes a value that is too large for memory. The batch is empty.
func (s *sorter) pass(h entity.Header, in *entity.Reader) error {
	r, err := s.target(h.Key)
	if err != nil {
		return err
	}
	if err := r.begin(h); err != nil {
		return err
	}
	if _, err = in.WriteTo(r.w); err != nil && !r.part.failed {
		err = inputError{err}
	}
	return err
}

// spill writes the batch to a run.
func (s *sorter) spill() error {
	if len(s.records) == 0 {
		return nil
	}
	order := func(a, b record) int {
		return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.seq, b.seq))
	}
	if !slices.IsSortedFunc(s.records, order) {
		slices.SortFunc(s.records, order)
	}
	r, err := s.target(s.records[0].key)
	if err != nil {
		return err
	}
	for i, rec := range s.records {
		if i+1 < len(s.records) && rec.key.Compare(s.records[i+1].key) == 0 {
			continue
		}
		h := entity.Header{Key: rec.key, Size: int64(max(rec.size, 0)), Deleted: rec.size < 0}
		if err := r.begin(h); err != nil {
			return err
		}
		if _, err := r.w.Write(s.values[rec.at:][:h.Size]); err != nil {
			return err
		}
	}
	clear(s.records) // the keys
	s.values, s.records, s.used = s.values[:0], s.records[:0], 0
	return nil
}

// target returns the run that may go on with a key: the open one if the key is
// above all that it has, or else a new one.
func (s *sorter) target(first entity.Key) (*run, error) {
	if n := len(s.runs); n > 0 {
		r := s.runs[n-1]
		if first.Compare(r.last) > 0 {
			return r, nil
		}
		if err := r.close(); err != nil {
			return nil, err
		}
		if err := s.compact(); err != nil {
			return nil, err
		}
	}
	r, err := s.create(0)
	if err != nil {
		return nil, err
	}
	s.runs = append(s.runs, r)
	return r, nil
}

// compact makes one run out of the last ones, as often as there are enough of
// one level.
func (s *sorter) compact() error {
	for {
		n := len(s.runs)
		if n < fanIn || s.runs[n-fanIn].level != s.runs[n-1].level {
			return nil
		}
		old := s.runs[n-fanIn:]
		out, err := s.create(old[0].level + 1)
		if err != nil {
			return err
		}
		if err := s.combine(nil, old, out, math.MaxInt64, true); err != nil {
			out.part.discard()
			return err
		}
		for _, r := range old {
			r.part.discard()
		}
		s.runs = append(s.runs[:n-fanIn], out)
	}
}

// combine writes what is in the sources and then in the runs, each older than
// the next, to out and closes it. Of a key the newest record counts, and
// deletions are left out unless they are to be kept. It fails as soon as the
// values are more than quota.
func (s *sorter) combine(from []*source, runs []*run, out *run, quota int64, keepDeletes bool) error {
	for _, r := range runs {
		if _, err := r.part.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		from = append(from, &source{r: entity.NewReader(r.part.file, limits)})
	}
	var h sources
	for age, src := range from {
		src.age = age
		switch ok, err := src.next(); {
		case err != nil:
			return err
		case ok:
			h = append(h, src)
		}
	}
	heap.Init(&h)
	var done entity.Key // was decided; "" = nothing yet
	for len(h) > 0 {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		src := h[0] // the newest of the lowest key
		if done == "" || src.h.Key.Compare(done) != 0 {
			done = src.h.Key
			if !src.h.Deleted || keepDeletes {
				if err := out.begin(src.h); err != nil {
					return err
				}
				if out.values > quota {
					return android.TransportQuotaExceeded
				}
				if _, err := src.r.WriteTo(out.w); err != nil {
					if src.base && !out.part.failed {
						err = baseError{err}
					}
					return err
				}
			}
		}
		switch ok, err := src.next(); {
		case err != nil:
			return err
		case ok:
			heap.Fix(&h, 0)
		default:
			heap.Pop(&h)
		}
	}
	return out.close()
}

// source is a sorted stream with its next record.
type source struct {
	r    *entity.Reader
	h    entity.Header
	age  int // higher = newer
	base bool
}

// next goes on; false at the end.
func (s *source) next() (bool, error) {
	h, err := s.r.Next()
	if err == io.EOF {
		return false, nil
	}
	if err == nil && s.h.Key != "" && h.Key.Compare(s.h.Key) <= 0 {
		err = errOrderBroken
	}
	if err != nil && s.base {
		err = baseError{err}
	}
	s.h = h
	return true, err
}

// sources is a heap: the lowest key first, of equal ones the newest.
type sources []*source

func (h sources) Len() int      { return len(h) }
func (h sources) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h sources) Less(i, j int) bool {
	if c := h[i].h.Key.Compare(h[j].h.Key); c != 0 {
		return c < 0
	}
	return h[i].age > h[j].age
}
func (h *sources) Push(x any) { *h = append(*h, x.(*source)) }
func (h *sources) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
