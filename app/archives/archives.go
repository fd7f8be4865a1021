// Package archives does what a person asks of an Android backup archive on this
// computer: look into it, check it, unpack it, make one. Package archive knows
// the format; this one opens files, asks for the space there is, and lets a new
// archive appear only when it is whole.
//
// Its worst moment is a disk that fills up half way through a new archive: the
// half goes, the folder stays as it was, and the error says what to do.
package archives

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/phone"
)

// ErrNotFile means that an archive's path leads to something else.
var ErrNotFile = errors.New("not a file")

// ErrExists means that there is a file of that name already.
var ErrExists = errors.New("there is a file of that name already")

// ErrNotMade means that the disk was full before an archive was whole.
var ErrNotMade = errors.New("the archive was not made")

// ErrBusy means that another run is unpacking into the folder.
var ErrBusy = errors.New("another run is unpacking into this folder")

// ErrPassword means that a file holds nothing that can be a password.
var ErrPassword = errors.New("not a password")

// FileError is about the archive's file itself, and not what is in it.
type FileError struct{ Err error }

// Error implements error.
func (e *FileError) Error() string { return "archive: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// FolderError is about the folder that is the phone.
type FolderError struct{ Err error }

// Error implements error.
func (e *FolderError) Error() string { return "folder: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FolderError) Unwrap() error { return e.Err }

// Options say how to read an archive.
type Options struct {
	// Password is asked once, and only if the archive is encrypted.
	Password func() ([]byte, error)
	// Problem is told of each finding.
	Problem func(archive.Finding)
}

func (o Options) options() archive.Options {
	return archive.Options{Password: o.Password, Problem: o.Problem}
}

// List says what is in an archive.
func List(ctx context.Context, path string, o Options) (*archive.Listing, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return archive.List(ctx, f, o.options())
}

// Check reads an archive and reports all damage.
func Check(ctx context.Context, path string, o Options) (*archive.Report, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return archive.Check(ctx, f, archive.CheckOptions{Options: o.options()})
}

// Extract unpacks an archive into a folder that is a phone.
func Extract(ctx context.Context, path, dir string, o Options) (*archive.Extraction, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		return nil, &FolderError{err}
	}
	defer p.Close()
	d, err := os.Open(dir)
	if err != nil {
		return nil, &FolderError{err}
	}
	defer d.Close()
	if err := lock(d); errors.Is(err, ErrBusy) {
		return nil, err
	}
	return archive.Extract(ctx, f, dir, archive.ExtractOptions{Options: o.options(), Free: p.Free})
}

// CreateOptions say how to make an archive.
type CreateOptions struct {
	// Password encrypts it. nil = it is not encrypted.
	Password []byte
	// Plain leaves it uncompressed.
	Plain bool
	// Problem is told of each finding.
	Problem func(archive.Finding)
}

// Create makes an archive of a folder that is a phone. The file must not exist.
func Create(ctx context.Context, dir, path string, o CreateOptions) (_ *archive.Creation, err error) {
	p, err := phone.OpenFolder(dir, phone.FolderOptions{})
	if err != nil {
		return nil, &FolderError{err}
	}
	defer p.Close()
	if _, err := os.Lstat(path); err == nil {
		return nil, ErrExists
	}
	f, err := newTemp(filepath.Dir(path))
	if err != nil {
		return nil, &FileError{err}
	}
	defer os.Remove(f.Name())
	defer f.Close()
	self, err := f.Stat()
	if err != nil {
		return nil, &FileError{err}
	}
	done, err := archive.Create(ctx, f, dir, archive.CreateOptions{
		Container: ab.CreateOptions{Compress: !o.Plain, Password: o.Password}, Self: self, Problem: o.Problem,
	})
	if errors.Is(err, archive.ErrNoSpace) {
		return nil, fmt.Errorf("%w: %w", ErrNotMade, err)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return done, appear(f.Name(), path)
}

const (
	tempStart = ".ferry-archive-"
	tempEnd   = ".part"
)

// newTemp makes the file that an archive is written to, and removes those that
// runs left behind which were ended from outside. A lock tells them from those
// that are being written.
func newTemp(dir string) (*os.File, error) {
	sweep(dir)
	for {
		f, err := os.CreateTemp(dir, tempStart+"*"+tempEnd)
		if err != nil {
			return nil, err
		}
		_ = lock(f) // where nobody can lock, nobody takes it for dead
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Lstat(f.Name()); err == nil && os.SameFile(mine, now) {
			return f, nil
		}
		f.Close() // somebody removed it before it was locked
	}
}

// sweep removes what nobody writes to any more. What it cannot see or remove
// stays.
func sweep(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if strings.HasPrefix(name, tempStart) && strings.HasSuffix(name, tempEnd) {
			removeDead(filepath.Join(dir, name))
		}
	}
}

// removeDead removes a file that was being written, unless it still is.
func removeDead(name string) {
	if fi, err := os.Lstat(name); err != nil || !fi.Mode().IsRegular() {
		return
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	err = lock(f)
	if err == nil {
		_ = os.Remove(name) // where locks are, an open file can be removed
	}
	f.Close()
	if errors.Is(err, errors.ErrUnsupported) {
		_ = os.Remove(name) // where they are not, one in use cannot
	}
}

// appear gives a file its name and replaces nothing.
func appear(temp, path string) error {
	err := os.Link(temp, path)
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err == nil {
		return nil
	}
	// A file system without hard links.
	if _, lerr := os.Lstat(path); lerr == nil {
		return ErrExists
	}
	return os.Rename(temp, path)
}

func open(path string) (*os.File, error) {
	fi, err := os.Stat(path) // a pipe that is opened waits for its writer
	if err == nil && !fi.Mode().IsRegular() {
		return nil, ErrNotFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{err}
	}
	return f, nil
}
