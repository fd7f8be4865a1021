package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// maxChunk is the most that a transport may write at once, in bytes.
	maxChunk = 4 << 20
	// askAgain is how long to wait if it wrote nothing.
	askAgain = 10 * time.Millisecond
)

// A stream is an app's archive as it comes from the transport: as a tar stream
// or entry by entry. It belongs to the manager's goroutine.
type stream struct {
	ctx     context.Context
	m       *Manager
	pkg     string
	entries android.EntryRestorer // nil = it is a tar stream
	tar     *fullbackup.Reader

	chunk   chunk
	got     int64
	refused error // the transport's answer
	broken  error // why the stream cannot be read on, the transport's answer included
	ended   bool  // the transport said that there is no more
}

func newStream(ctx context.Context, m *Manager, pkg string) *stream {
	s := &stream{ctx: ctx, m: m, pkg: pkg}
	if s.entries, _ = m.transport.(android.EntryRestorer); s.entries == nil {
		s.tar = fullbackup.NewReader(chunks{s}, fullbackup.Limits{})
	}
	return s
}

func (s *stream) bytes() int64 { return s.got }

// next goes to the next entry: io.EOF at the end, a *fullbackup.EntryError for
// one that is left out; any other error is final.
func (s *stream) next() (pkg string, f android.RestoredFile, err error) {
	if s.broken != nil {
		return "", f, s.broken
	}
	if s.entries != nil {
		return s.nextEntry()
	}
	h, err := s.tar.Next()
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if s.broken = s.drain(); s.broken != nil {
			return "", f, s.broken
		}
		return "", f, io.EOF
	default:
		if _, ok := errors.AsType[*fullbackup.EntryError](err); !ok {
			s.broken = err
		}
		return "", f, err
	}
	f = android.RestoredFile{
		FileInfo: android.FileInfo{
			Domain: h.Domain, Path: h.Path, Type: backup.Type(h.Type), Size: h.Size, Mode: h.Mode,
			ModTime: time.Unix(h.ModTime, 0),
		},
		Data: &content{s: s, r: s.tar, left: h.Size},
	}
	return h.Package, f, nil
}

func (s *stream) nextEntry() (string, android.RestoredFile, error) {
	f, err := s.entries.NextEntry(s.ctx)
	switch {
	case errors.Is(err, android.NoMoreData):
		s.ended = true
		return "", f, io.EOF
	case err != nil:
		s.refused, s.broken = err, err
		return "", f, err
	case f.Size < 0 || f.Type != backup.TypeFile && f.Type != backup.TypeDirectory || f.Type == backup.TypeFile && f.Data == nil && f.Size > 0:
		s.refused = ErrMisled
		s.broken = s.refused
		return "", f, ErrMisled
	}
	if f.Type == backup.TypeDirectory || f.Data == nil {
		f.Size, f.Data, f.Take = 0, eof{}, nil
	}
	s.got += fullbackup.EncodedSize(fullbackup.Header{Package: s.pkg, Domain: f.Domain, Path: f.Path, Type: fullbackup.Type(f.Type), Size: f.Size})
	f.Data = &content{s: s, r: f.Data, left: f.Size}
	return s.pkg, f, nil
}

// content is the content of one entry, exactly as long as was said.
type content struct {
	s    *stream
	r    io.Reader
	left int64
}

func (c *content) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; c.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		if c.s.broken = err; c.s.entries != nil {
			c.s.refused = err
		}
	}
	return n, err
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// chunks reads the tar stream chunk by chunk.
type chunks struct{ s *stream }

func (c chunks) Read(b []byte) (int, error) {
	s := c.s
	for len(s.chunk.rest) == 0 {
		switch {
		case s.refused != nil:
			return 0, s.refused
		case s.ended:
			return 0, io.EOF
		}
		if err := s.fetch(); err != nil {
			s.refused = err
		}
	}
	n := copy(b, s.chunk.rest)
	s.chunk.rest = s.chunk.rest[n:]
	return n, nil
}

// drain asks on until the transport says that there is no more: an archive may
// end before its stream does, and only the transport knows whether it has
// failed.
func (s *stream) drain() error {
	for end := s.got; !s.ended && s.refused == nil; {
		if s.refused = s.fetch(); s.refused == nil && s.got-end > maxChunk {
			s.refused = fmt.Errorf("more behind the end: %w", ErrMisled)
		}
	}
	s.chunk.rest = nil
	return s.refused
}

// fetch asks the transport for one chunk.
func (s *stream) fetch() error {
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	s.chunk.data = s.chunk.data[:0]
	n, err := s.m.transport.NextFullChunk(s.ctx, &s.chunk)
	if errors.Is(err, android.NoMoreData) {
		s.ended, err = true, nil
	} else if err == nil && n != len(s.chunk.data) {
		err = fmt.Errorf("%d of %d bytes written: %w", len(s.chunk.data), n, ErrMisled)
	}
	if s.got += int64(len(s.chunk.data)); err != nil {
		return err
	}
	s.chunk.rest = s.chunk.data
	if n > 0 || s.ended {
		return nil
	}
	// Nothing now.
	t := time.NewTimer(askAgain)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// chunk holds what the transport writes.
type chunk struct {
	data []byte
	rest []byte // not read yet
}

func (c *chunk) Write(b []byte) (int, error) {
	if len(b) > maxChunk-len(c.data) {
		return 0, fmt.Errorf("a chunk of more than %d bytes: %w", maxChunk, ErrMisled)
	}
	c.data = append(c.data, b...)
	return len(b), nil
}
