package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// MaxIndex is how many records of a file are compared with an old state.
const MaxIndex = 1 << 20

// sum is the first half of a SHA-256; zero stands for a deletion.
type sum [16]byte

// mark stands for the last record of a key in the file.
type mark struct {
	key, value sum
	same       bool // the old state vouches for it
}

// index is what is known of a file before it is played.
type index struct {
	digest [sha256.Size]byte
	// marks are ascending by key, each key once; nil = every record is written.
	marks []mark
	// over says that the file has more than MaxIndex records.
	over bool
}

// newIndex reads a file whole and knows nothing but its digest.
func newIndex(ctx context.Context, file io.ReadSeeker) (*index, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, appdir.ReadError("read", err)
	}
	x, h := &index{}, sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, file}); err != nil {
		return nil, appdir.ReadError("read", err)
	}
	h.Sum(x.digest[:0])
	return x, nil
}

// scan notes the file's records.
func (x *index) scan(ctx context.Context, file io.ReadSeeker) error {
	values := newSummer()
	digest, err := records(ctx, file, func(h entity.Header, r *entity.Reader) error {
		if x.over {
			return nil
		}
		v, err := values.sum(h, r, io.Discard)
		x.marks = append(x.marks, mark{key: keySum(h.Key), value: v})
		if len(x.marks) > MaxIndex {
			x.over, x.marks = true, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if digest != x.digest {
		return appdir.Fail("read", backup.Changed, nil)
	}
	slices.SortStableFunc(x.marks, func(a, b mark) int { return bytes.Compare(a.key[:], b.key[:]) })
	last := x.marks[:0]
	for _, m := range x.marks {
		if n := len(last); n > 0 && last[n-1].key == m.key {
			last[n-1] = m
		} else {
			last = append(last, m)
		}
	}
	x.marks = last
	return nil
}

// records calls f for every record of the file and returns the file's digest.
func records(ctx context.Context, file io.ReadSeeker, f func(entity.Header, *entity.Reader) error) (digest [sha256.Size]byte, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return digest, appdir.ReadError("read", err)
	}
	h := sha256.New()
	tee := io.TeeReader(contextReader{ctx, file}, h)
	r := entity.NewReader(tee, entity.Limits{Data: math.MaxInt32})
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = f(head, r)
		}
		if err != nil {
			return digest, err
		}
	}
	if _, err := io.Copy(io.Discard, tee); err != nil { // what may follow the end
		return digest, err
	}
	h.Sum(digest[:0])
	return digest, nil
}

// contextReader reads until ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// compare marks what the old state vouches for, and deletes what it has and the
// file has not. A damaged state vouches for nothing.
func (x *index) compare(old *stateReader, out android.EntityOutput) error {
	for {
		key, value, err := old.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errState) {
			x.marks = nil
			return nil
		}
		if err != nil {
			return err
		}
		m := x.find(keySum(key))
		switch {
		case m != nil:
			m.same = m.value == value
		case value != sum{}:
			if err := out.Delete(string(key)); err != nil {
				return err
			}
		}
	}
}

// vouched reports whether the old state has a key as the file has it.
func (x *index) vouched(key entity.Key) bool {
	if x.marks == nil {
		return false
	}
	m := x.find(keySum(key))
	return m != nil && m.same
}

func (x *index) find(key sum) *mark {
	i, ok := slices.BinarySearchFunc(x.marks, key, func(m mark, k sum) int { return bytes.Compare(m.key[:], k[:]) })
	if !ok {
		return nil
	}
	return &x.marks[i]
}

// play writes the records that nobody vouches for, and the state of all.
func (x *index) play(ctx context.Context, file io.ReadSeeker, b android.BackupRequest, unchanged bool) error {
	state, values := newStateWriter(b.New, x.digest), newSummer()
	digest, err := records(ctx, file, func(h entity.Header, r *entity.Reader) error {
		out := io.Writer(io.Discard)
		if !unchanged && !x.vouched(h.Key) {
			var err error
			if h.Deleted {
				err = b.Data.Delete(string(h.Key))
			} else {
				err = b.Data.WriteHeader(string(h.Key), h.Size)
			}
			if err != nil {
				return err
			}
			out = contextWriter{ctx, b.Data}
		}
		v, err := values.sum(h, r, out)
		if err != nil {
			return err
		}
		return state.add(h.Key, v)
	})
	if err != nil {
		return err
	}
	if digest != x.digest {
		return appdir.Fail("read", backup.Changed, nil)
	}
	return state.close()
}

// contextWriter writes until ctx ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

// Write implements io.Writer.
func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

// summer sums values up while they are copied.
type summer struct {
	hash hash.Hash
	out  io.Writer
}

func newSummer() *summer { return &summer{hash: sha256.New()} }

// sum copies a record's value to out and returns its sum.
func (s *summer) sum(h entity.Header, r *entity.Reader, out io.Writer) (v sum, err error) {
	if h.Deleted {
		return v, nil
	}
	s.hash.Reset()
	s.out = out
	if _, err := r.WriteTo(s); err != nil {
		return v, err
	}
	var whole [sha256.Size]byte
	copy(v[:], s.hash.Sum(whole[:0]))
	return v, nil
}

// Write implements io.Writer.
func (s *summer) Write(p []byte) (int, error) {
	s.hash.Write(p)
	return s.out.Write(p)
}

// keySum returns the sum of a key as Java sees it, in whichever form it is.
func keySum(k entity.Key) (s sum) {
	if strings.IndexFunc(string(k), func(r rune) bool { return r > 0xFFFF }) >= 0 {
		if text, err := k.Text(); err == nil {
			k, _ = entity.KeyOf(text) // what Text returns has a key
		}
	}
	d := sha256.Sum256([]byte(k))
	copy(s[:], d[:])
	return s
}
