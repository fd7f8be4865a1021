//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// differences compares two phones and tells what is not the same: names,
// content, times to the nanosecond, modes as far as they move (reading and
// writing), empty folders. Of contacts and apps only the content counts: it is
// written anew. The phone's own folder has no time to move.
func differences(want, got string) ([]string, error) {
	a, err := list(want)
	if err != nil {
		return nil, err
	}
	b, err := list(got)
	if err != nil {
		return nil, err
	}
	var out []string
	for name, info := range a {
		other, ok := b[name]
		if !ok {
			out = append(out, fmt.Sprintf("%q is missing", name))
			continue
		}
		d, err := compare(name, filepath.Join(want, name), filepath.Join(got, name), info, other)
		if err != nil {
			return nil, err
		}
		out = append(out, d...)
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, fmt.Sprintf("%q is too much", name))
		}
	}
	slices.Sort(out)
	return out, nil
}

func compare(name, p, q string, a, b fs.FileInfo) (out []string, err error) {
	tell := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%q "+format, append([]any{name}, args...)...))
	}
	if a.Mode().Type() != b.Mode().Type() {
		tell("is another type of file")
		return out, nil
	}
	top, _, _ := strings.Cut(name, "/")
	onlyContent := top == "Contacts" || top == "apps"
	if a.Mode().IsRegular() {
		x, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		y, err := os.ReadFile(q)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(x, y) {
			tell("has other content: %d bytes, not %d", len(y), len(x))
		}
		if m, n := a.Mode()&0o666, b.Mode()&0o666; m != n && !onlyContent {
			tell("has mode %o, not %o", n, m)
		}
	}
	if s, t := a.ModTime(), b.ModTime(); !s.Equal(t) && name != "." && !onlyContent {
		tell("has time %v, not %v", t.UTC(), s.UTC())
	}
	return out, nil
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
