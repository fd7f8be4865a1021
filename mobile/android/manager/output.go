package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

// offered is what both outputs of a full backup have in common.
type offered struct {
	flags backup.Flags
	quota int64
}

func (o offered) TransportFlags() backup.Flags { return o.flags }
func (o offered) Quota() int64                 { return o.quota }

// leftOut reports whether a file never moves.
func leftOut(f android.FileInfo) bool {
	return domain.NeverBackedUp(domain.Token(f.Domain), f.Path)
}

// header is a file as the archive knows it.
func header(pkg string, f android.SourceFile) fullbackup.Header {
	h := fullbackup.Header{
		Package: pkg, Domain: f.Domain, Path: f.Path, Type: fullbackup.Type(f.Type),
		Mode: f.Mode & 0o7777, UID: id(f.UID), GID: id(f.GID), Size: f.Size,
	}
	if f.Type == backup.TypeDirectory {
		h.Size = 0
	}
	if !f.ModTime.IsZero() {
		h.ModTime = max(0, f.ModTime.Unix())
	}
	return h
}

func id(n int) uint32 {
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return uint32(n)
}

// measure adds up what an agent's files will take; it opens none.
type measure struct {
	offered
	pkg   string
	total int64
}

func (m *measure) File(ctx context.Context, f android.SourceFile) error {
	if err := context.Cause(ctx); err != nil || leftOut(f.FileInfo) {
		return err
	}
	if f.Size < 0 || (f.Type != backup.TypeFile && f.Type != backup.TypeDirectory) {
		return fullbackup.ErrInvalid
	}
	if m.total += fullbackup.EncodedSize(header(m.pkg, f)); m.total < 0 {
		m.total = math.MaxInt64
	}
	return nil
}

// pieceSize is how much of an archive the transport is told to read at once.
// Android relays 8 KiB, a quarter of a pipe's worth. Each piece costs two turns
// between goroutines and, behind a transport, a record to seal and to send: 64
// KiB makes that cost vanish beside the copying, and is still little memory.
const pieceSize = 64 << 10

// A feed is the stream of a full backup as the transport sees it: it holds one
// piece, and ends where that ends.
type feed struct{ piece []byte }

func (f *feed) Read(b []byte) (int, error) {
	if len(f.piece) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.piece)
	f.piece = f.piece[n:]
	return n, nil
}

// A sender is the transport's side of a full backup. It belongs to the
// manager's goroutine.
type sender struct {
	ctx      context.Context
	m        *Manager
	pkg      string
	feed     feed
	entries  android.EntryBackuper // nil = the archive is a stream
	expected int64                 // as measured
	sent     int64
	refused  error // the transport's answer; nothing is sent after it
}

// step does something with the transport, unless that has refused already.
func (s *sender) step(f func() error) error {
	if s.refused == nil {
		if s.refused = context.Cause(s.ctx); s.refused == nil {
			s.refused = f()
		}
	}
	return s.refused
}

func (s *sender) send(piece []byte) error {
	n := len(piece)
	s.feed.piece = piece
	err := s.m.transport.SendBackupData(s.ctx, n)
	left := len(s.feed.piece)
	s.feed.piece = nil
	if err == nil && left > 0 {
		err = fmt.Errorf("%d of %d bytes read: %w", n-left, n, ErrMisled)
	}
	if err == nil {
		s.count(int64(n))
	}
	return err
}

func (s *sender) entry(f android.SourceFile) error {
	err := s.entries.BackupEntry(s.ctx, f)
	if err == nil {
		s.count(fullbackup.EncodedSize(header(s.pkg, f)))
	}
	return err
}

func (s *sender) count(n int64) {
	s.sent += n
	s.m.progress(s.pkg, max(s.expected, s.sent), s.sent)
}

// A relay brings an app's entries to the sender. It belongs to the agent's
// goroutine while that has it; if the agent is given up, for ever.
type relay struct {
	offered
	to      *sender
	call    *call // the call under way; nil = this is the manager's goroutine
	tar     *fullbackup.Writer
	buf     []byte // of the stream, what is not sent yet
	copyBuf []byte
	files   int64
	notes   Notes
}

func newRelay(to *sender, o offered) *relay {
	r := &relay{offered: o, to: to, buf: make([]byte, 0, pieceSize), copyBuf: make([]byte, 32<<10)}
	r.tar = fullbackup.NewWriter(r)
	return r
}

// step has the manager's goroutine do something with the transport.
func (r *relay) step(f func() error) (err error) {
	if r.call == nil {
		return r.to.step(f)
	}
	if over := r.call.do(func() { err = r.to.step(f) }); over != nil {
		return over
	}
	return err
}

// Write takes a part of the stream.
func (r *relay) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		k := copy(r.buf[len(r.buf):cap(r.buf)], b)
		r.buf = r.buf[:len(r.buf)+k]
		b = b[k:]
		n += k
		if len(r.buf) == cap(r.buf) {
			if err := r.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// flush has the transport read what is there.
func (r *relay) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	err := r.step(func() error { return r.to.send(r.buf) })
	r.buf = r.buf[:0]
	return err
}

// metadata writes one of the framework's own entries.
func (r *relay) metadata(name string, content []byte) error {
	if r.to.entries != nil {
		return r.entry(android.SourceFile{
			FileInfo: android.FileInfo{Path: name, Type: backup.TypeFile, Size: int64(len(content)), Mode: 0o600},
			Open:     opener(content),
		})
	}
	if err := r.tar.WriteHeader(fullbackup.MetadataHeader(r.to.pkg, "", name, int64(len(content)))); err != nil {
		return err
	}
	_, err := r.tar.Write(content)
	return err
}

func opener(content []byte) func(context.Context, int64) (io.ReadCloser, error) {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) {
		if offset < 0 || offset > int64(len(content)) {
			return nil, backup.Changed
		}
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	}
}

// File implements [android.FullOutput].
func (r *relay) File(ctx context.Context, f android.SourceFile) error {
	if err := context.Cause(ctx); err != nil || leftOut(f.FileInfo) {
		return err
	}
	if f.Type == backup.TypeDirectory {
		f.Size, f.Open = 0, nil
	} else if f.Open == nil {
		return fullbackup.ErrInvalid
	}
	var err error
	if r.to.entries != nil {
		err = r.fileEntry(f)
	} else {
		err = r.fileTar(ctx, f)
	}
	if err == nil {
		r.files++
	}
	return err
}

// fileEntry gives the transport the file to open when it likes.
func (r *relay) fileEntry(f android.SourceFile) error {
	// The name has to be one that an archive can hold, whoever carries it.
	if err := fullbackup.NewWriter(io.Discard).WriteHeader(header(r.to.pkg, f)); err != nil {
		r.notes.add(f.Domain, f.Path, backup.BadName)
		return err
	}
	if open := f.Open; open != nil {
		f.Open = func(ctx context.Context, offset int64) (rc io.ReadCloser, err error) {
			defer func() {
				if v := recover(); v != nil {
					rc, err = nil, &PanicError{Value: v}
				}
			}()
			return open(ctx, offset)
		}
	}
	return r.entry(f)
}

func (r *relay) entry(f android.SourceFile) error {
	return r.step(func() error { return r.to.entry(f) })
}

// fileTar writes the file into the archive. The header has promised a size by
// the time the content is read: a file that turns out shorter is filled with
// zeros, a longer one is cut, and both are noted. If it cannot be read to its
// end the agent hears of it and decides; the archive stays well-formed.
func (r *relay) fileTar(ctx context.Context, f android.SourceFile) error {
	var src io.ReadCloser
	if f.Type == backup.TypeFile {
		var err error
		if src, err = f.Open(ctx, 0); err != nil {
			r.notes.add(f.Domain, f.Path, backup.ReasonOf(err))
			return err
		}
		defer src.Close()
	}
	if err := r.tar.WriteHeader(header(r.to.pkg, f)); err != nil {
		if errors.Is(err, fullbackup.ErrInvalid) {
			r.notes.add(f.Domain, f.Path, backup.BadName)
		}
		return err
	}
	if src == nil {
		return nil
	}
	n, rerr, werr := r.copy(ctx, src, f.Size)
	if werr != nil {
		return werr
	}
	switch {
	case rerr != nil:
		r.notes.add(f.Domain, f.Path, backup.ReasonOf(rerr))
	case n != f.Size:
		r.notes.add(f.Domain, f.Path, backup.Changed)
	}
	if _, err := r.tar.ZeroFill(); err != nil {
		return err
	}
	return rerr
}

// copy moves at most size bytes. It returns how many there were: one more than
// size if there is more.
func (r *relay) copy(ctx context.Context, src io.Reader, size int64) (n int64, rerr, werr error) {
	for empty := 0; n <= size; {
		b := r.copyBuf
		if left := size - n; left < int64(len(b)) {
			b = b[:left+1]
		}
		k, err := src.Read(b)
		if k > 0 {
			empty = 0
			keep := min(int64(k), size-n)
			if _, werr := r.tar.Write(b[:keep]); werr != nil {
				return n, nil, werr
			}
			n += int64(k)
		} else if empty++; empty > 100 && err == nil {
			err = io.ErrNoProgress
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil, nil
		case err != nil:
			return n, err, nil
		case ctx.Err() != nil:
			return n, context.Cause(ctx), nil
		}
	}
	return n, nil, nil
}
