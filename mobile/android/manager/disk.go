package manager

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A disk is the state folder. Each single change of it is a step; where the
// program dies between two steps, what is there is either old or new.
type disk struct {
	root string
	// step is called before each change. Tests cut there, or leave a change out
	// with errLeaveOut. nil = nothing.
	step func(op string) error
}

// errLeaveOut lets a step count as done.
var errLeaveOut = errors.New("left out")

func (d *disk) path(elem ...string) string {
	return filepath.Join(append([]string{d.root}, elem...)...)
}

func (d *disk) do(op string, f func() error) error {
	if d.step != nil {
		switch err := d.step(op); {
		case errors.Is(err, errLeaveOut):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", op, cause(err))
	}
	return nil
}

// cause takes the path off an error of package os: it has the names of apps.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

func (d *disk) mkdir(path string) error {
	return d.do("make a folder", func() error { return os.MkdirAll(path, 0o700) })
}

// create makes an empty file, or empties one.
func (d *disk) create(path string) (f *os.File, err error) {
	err = d.do("create a file", func() error {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		return err
	})
	return f, err
}

// remove removes a file or an empty folder, which may be gone already.
func (d *disk) remove(path string) error {
	return d.do("remove a file", func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// removeAll removes a folder and what is in it, in a step for each.
func (d *disk) removeAll(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a folder: %w", cause(err))
	}
	for _, e := range entries {
		below := filepath.Join(path, e.Name())
		if e.IsDir() {
			err = d.removeAll(below)
		} else {
			err = d.remove(below)
		}
		if err != nil {
			return err
		}
	}
	return d.remove(path)
}

// commit makes a written file durable and gives it its name.
func (d *disk) commit(f *os.File, name string) error {
	err := d.do("sync a file", f.Sync)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close a file: %w", cause(cerr))
	}
	if err == nil {
		err = d.do("rename a file", func() error { return os.Rename(f.Name(), name) })
	}
	if err == nil {
		err = d.syncDir(filepath.Dir(name))
	}
	return err
}

func (d *disk) syncDir(path string) error {
	return d.do("sync a folder", func() error { return syncDir(path) })
}

// write replaces a small file.
func (d *disk) write(name string, content []byte) error {
	f, err := d.create(name + ".tmp")
	if err != nil {
		return err
	}
	if err := d.do("write a file", func() error { _, err := f.Write(content); return err }); err != nil {
		_ = f.Close()
		return err
	}
	return d.commit(f, name)
}

// touch makes an empty file, durably.
func (d *disk) touch(name string) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close a file: %w", cause(err))
	}
	return d.syncDir(filepath.Dir(name))
}

// names lists the files in a folder in order; none if there is no folder.
func (d *disk) names(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a folder: %w", cause(err))
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// readSmall reads a file of at most limit bytes; nil if there is none.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open a file: %w", cause(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read a file: %w", cause(err))
	}
	return b, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A name in the state folder: the package's, with an escape for each capital,
// because some file systems take a and A for the same.
const hexDigits = "0123456789abcdef"

func fileName(pkg string) string {
	var b strings.Builder
	for i := range len(pkg) {
		if c := pkg[i]; 'A' <= c && c <= 'Z' {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// packageOf undoes fileName.
func packageOf(name string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, name[i+1]), strings.IndexByte(hexDigits, name[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	pkg := b.String()
	return pkg, validPackage(pkg) && fileName(pkg) == name
}

// validPackage reports whether name can be an app's: Android's characters, and
// short enough to be a file's name with a suffix.
func validPackage(name string) bool {
	if name == "" || name[0] == '.' || len(fileName(name)) > 240 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
