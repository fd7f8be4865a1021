package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

// Flags of the passes that the suite makes.
const (
	whole   = android.FlagNonIncremental
	changes = android.FlagIncremental
)

// piece is what Android's manager sends of a tar stream at a time.
const piece = 8 << 10

// reader hides every other method.
type reader struct{ io.Reader }

func bytesOf(b []byte) io.Reader { return reader{bytes.NewReader(b)} }

// perform makes a key/value pass up to FinishBackup.
func (e *env) perform(ctx context.Context, pkg string, data io.Reader, flags android.PassFlags) error {
	e.more = append(e.more, pkg)
	if q := e.tr.Quota(pkg, false); q <= 0 {
		return fmt.Errorf("a quota of %d bytes", q)
	}
	e.tr.Flags()
	return e.tr.PerformBackup(ctx, android.Package{Name: pkg, Version: 1}, data, flags)
}

// keyValue makes a key/value pass. If it succeeds, the app has to have it.
func (e *env) keyValue(ctx context.Context, pkg string, flags android.PassFlags, records ...record) error {
	if err := e.perform(ctx, pkg, bytesOf(stream(records...)), flags); err != nil {
		return fmt.Errorf("PerformBackup with flags %d: %w", flags, err)
	}
	if err := e.tr.FinishBackup(ctx); err != nil {
		return fmt.Errorf("FinishBackup: %w", err)
	}
	c := content{form: android.RestoreKeyValue}
	if was := e.want[pkg]; was.form == c.form && flags&whole == 0 {
		c.set = was.set
	}
	c.set = apply(c.set, records)
	e.want[pkg] = c
	return nil
}

// put makes a complete pass.
func (e *env) put(ctx context.Context, pkg string, records ...record) error {
	return e.keyValue(ctx, pkg, whole, records...)
}

// sender is a full backup under way.
type sender struct {
	e     *env
	tar   []byte // of all files
	files []file // still to be sent, by entry
	in    io.Reader
	left  int // bytes still to be sent, as a stream
}

// begin begins a full backup up to CheckFullBackupSize. in is the stream to
// give instead of the files' own; nil = that.
func (e *env) begin(ctx context.Context, pkg string, in io.Reader, files ...file) (*sender, error) {
	e.more = append(e.more, pkg)
	tar, err := tarOf(pkg, files)
	if err != nil {
		return nil, err
	}
	s := &sender{e: e, tar: tar, files: files, left: len(tar)}
	if s.in = in; in == nil {
		s.in = bytesOf(tar)
	}
	data := s.in
	if s.entries() != nil {
		data = nil
	}
	if err := e.tr.PerformFullBackup(ctx, android.Package{Name: pkg, Version: 1}, data, 0); err != nil {
		return nil, fmt.Errorf("PerformFullBackup: %w", err)
	}
	if q := e.tr.Quota(pkg, true); q <= 0 {
		return nil, fmt.Errorf("a quota of %d bytes", q)
	}
	e.tr.Flags()
	if err := e.tr.CheckFullBackupSize(ctx, int64(len(tar))); err != nil {
		return nil, fmt.Errorf("CheckFullBackupSize: %w", err)
	}
	return s, nil
}

func (s *sender) entries() android.EntryBackuper {
	b, _ := s.e.tr.(android.EntryBackuper)
	return b
}

// next sends the next piece or file; io.EOF if there is none.
func (s *sender) next(ctx context.Context) error {
	if b := s.entries(); b != nil {
		if len(s.files) == 0 {
			return io.EOF
		}
		f := s.files[0]
		s.files = s.files[1:]
		src := android.SourceFile{FileInfo: f.FileInfo}
		if f.Size > 0 || f.content != "" {
			src.Open = func(_ context.Context, off int64) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(f.content[off:])), nil
			}
		}
		return b.BackupEntry(ctx, src)
	}
	n := min(piece, s.left)
	if n == 0 {
		return io.EOF
	}
	s.left -= n
	return s.e.tr.SendBackupData(ctx, n)
}

// rest sends everything that is left.
func (s *sender) rest(ctx context.Context) error {
	for {
		if err := s.next(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
}

// full makes a full backup. If it succeeds, the app has to have it.
func (e *env) full(ctx context.Context, pkg string, files ...file) error {
	s, err := e.begin(ctx, pkg, nil, files...)
	if err != nil {
		return err
	}
	if err := s.rest(ctx); err != nil {
		return errors.Join(err, e.tr.CancelFullBackup(ctx))
	}
	if err := e.tr.FinishBackup(ctx); err != nil {
		return fmt.Errorf("FinishBackup: %w", err)
	}
	e.want[pkg] = content{form: android.RestoreFull, tar: s.tar}
	return nil
}

// refused turns an error that must be there, with its code, into none.
func refused(what string, err error, code android.Code) error {
	if !errors.Is(err, code) {
		return fmt.Errorf("%s: got %v, want code %d", what, err, code)
	}
	return nil
}
