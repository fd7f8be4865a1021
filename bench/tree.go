//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxDifferences is how many differences are told.
const maxDifferences = 10

// differences compares two phones and tells what is not the same: names,
// content, times to the nanosecond, modes as far as they move (reading and
// writing), empty folders. Of contacts and apps only the content counts.
func differences(want, got string) ([]string, error) {
	a, err := list(want)
	if err != nil {
		return nil, err
	}
	b, err := list(got)
	if err != nil {
		return nil, err
	}
	var diffs []string
	tell := func(format string, args ...any) { diffs = append(diffs, fmt.Sprintf(format, args...)) }
	for name, info := range a {
		other, ok := b[name]
		switch {
		case !ok:
			tell("%q is missing", name)
		case info.Mode().Type() != other.Mode().Type():
			tell("%q is another type of file", name)
		case info.Mode().IsRegular():
			same, err := sameContent(filepath.Join(want, name), filepath.Join(got, name))
			if err != nil {
				return nil, err
			}
			if !same {
				tell("%q has other content", name)
			}
			if p, q := info.Mode()&0o666, other.Mode()&0o666; p != q && !onlyContent(name) {
				tell("%q has mode %o, not %o", name, q, p)
			}
			fallthrough
		default:
			if p, q := info.ModTime(), other.ModTime(); !p.Equal(q) && name != "." && !onlyContent(name) {
				tell("%q has time %v, not %v", name, q.UTC(), p.UTC())
			}
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			tell("%q is too much", name)
		}
	}
	return few(diffs), nil
}

// contentDifferences compares only the files' names and content: what a peer
// has to move for its figure to count. Not each of them keeps times, modes and
// empty folders.
func contentDifferences(want, got string) ([]string, error) {
	a, err := list(want)
	if err != nil {
		return nil, err
	}
	b, err := list(got)
	if err != nil {
		return nil, err
	}
	var diffs []string
	for name, info := range a {
		if !info.Mode().IsRegular() {
			continue
		}
		if other, ok := b[name]; !ok || !other.Mode().IsRegular() {
			diffs = append(diffs, fmt.Sprintf("%q is missing", name))
		} else if same, err := sameContent(filepath.Join(want, name), filepath.Join(got, name)); err != nil {
			return nil, err
		} else if !same {
			diffs = append(diffs, fmt.Sprintf("%q has other content", name))
		}
	}
	for name, info := range b {
		if _, ok := a[name]; !ok && !info.IsDir() {
			diffs = append(diffs, fmt.Sprintf("%q is too much", name))
		}
	}
	return few(diffs), nil
}

// few sorts differences and tells the first of them.
func few(diffs []string) []string {
	slices.Sort(diffs)
	if n := len(diffs); n > maxDifferences {
		diffs = append(diffs[:maxDifferences], fmt.Sprintf("and %d more differences", n-maxDifferences))
	}
	return diffs
}

// onlyContent says that a file or folder has neither a time nor a mode to move:
// it holds contacts, or what apps handed over, which is written anew.
func onlyContent(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "Contacts" || top == "apps"
}

// list is what a folder holds, itself included as ".".
func list(root string) (map[string]fs.FileInfo, error) {
	out := map[string]fs.FileInfo{}
	return out, fs.WalkDir(os.DirFS(root), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		out[name], err = e.Info()
		return err
	})
}

// sameContent reports whether two files hold the same bytes.
func sameContent(a, b string) (bool, error) {
	f, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer g.Close()
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(f, p)
		if err != nil && !atEnd(err) {
			return false, err
		}
		m, err2 := io.ReadFull(g, q)
		if err2 != nil && !atEnd(err2) {
			return false, err2
		}
		if !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		if err != nil {
			return true, nil // both are at the end, or the last bytes differed
		}
	}
}

func atEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
