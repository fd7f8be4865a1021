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

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/phone"
)

// ErrNotFile means that an archive's path leads to something else.
var ErrNotFile = errors.New("not a file")

// ErrExists means that there is a file of that name already.
var ErrExists = errors.New("there is a file of that name already")

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
		return nil, err
	}
	defer p.Close()
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
		return nil, err
	}
	defer p.Close()
	if _, err := os.Lstat(path); err == nil {
		return nil, ErrExists
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ferry-*.part")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	done, err := archive.Create(ctx, f, dir, archive.CreateOptions{
		Container: ab.CreateOptions{Compress: !o.Plain, Password: o.Password}, Problem: o.Problem,
	})
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
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = ErrNotFile
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return f, nil
}
