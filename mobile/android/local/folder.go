package local

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

const (
	setName     = "set"
	setTemp     = "set.new"
	setHeader   = "ferry local backup 1\n"
	setPrefix   = "ferry local backup " // of every version
	maxSet      = 256                   // bytes of the file
	appsDir     = "apps"
	partialDir  = "partial"
	folderPerm  = 0o700
	contentPerm = 0o600
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// folder is the backup on the disk. No name leads out of its root.
type folder struct {
	root  *os.Root
	token int64 // immutable
	count int   // of the names given out below partial
}

// openFolder opens or makes the backup in dir and removes what an earlier
// process left unfinished.
func openFolder(dir string) (_ *folder, err error) {
	if err := os.MkdirAll(dir, folderPerm); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = root.Close()
		}
	}()
	f := &folder{root: root}
	if f.token, err = f.readSet(); errors.Is(err, fs.ErrNotExist) {
		f.token, err = f.makeSet()
	}
	if err != nil {
		return nil, err
	}
	left, err := f.list(partialDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range left {
		if err := root.RemoveAll(path.Join(partialDir, name)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{partialDir, appsDir} {
		if err := f.mkdir(name); err != nil {
			return nil, err
		}
	}
	return f, f.sync(".")
}

func (f *folder) readSet() (int64, error) {
	file, err := f.root.Open(setName)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSet))
	if err != nil {
		return 0, err
	}
	return parseSet(b)
}

// parseSet reads the file "set": a line with the version, and the token in
// decimal on another.
func parseSet(b []byte) (token int64, err error) {
	line, ok := strings.CutPrefix(string(b), setHeader)
	if !ok {
		if strings.HasPrefix(string(b), setPrefix) {
			return 0, ErrNewer
		}
		return 0, ErrNotBackup
	}
	token, err = strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
	if err != nil || token <= 0 || line != strconv.FormatInt(token, 10)+"\n" {
		return 0, fmt.Errorf("its token: %w", ErrDamaged)
	}
	return token, nil
}

// makeSet makes a folder that is empty a backup. Names that begin with a dot do
// not count: file managers leave such files everywhere.
func (f *folder) makeSet() (token int64, err error) {
	names, err := f.list(".")
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		if !strings.HasPrefix(n, ".") && n != setTemp {
			return 0, ErrNotBackup
		}
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	token = int64(binary.LittleEndian.Uint64(b[:])>>1) | 1
	file, err := f.root.OpenFile(setTemp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, contentPerm)
	if err != nil {
		return 0, err
	}
	_, err = fmt.Fprintf(file, "%s%d\n", setHeader, token)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	return token, f.root.Rename(setTemp, setName)
}

func (f *folder) mkdir(name string) error {
	if err := f.root.Mkdir(name, folderPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (f *folder) list(dir string) ([]string, error) {
	d, err := f.root.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

func (f *folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(d), d.Close())
}

func (f *folder) temp() string {
	f.count++
	return path.Join(partialDir, strconv.Itoa(f.count))
}

// current returns the generation of an app that counts, and the file names of
// those before it.
func (f *folder) current(pkg string) (g generation, older []string, err error) {
	names, err := f.list(path.Join(appsDir, folderName(pkg)))
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil, nil
	}
	if err != nil {
		return g, nil, err
	}
	for _, n := range names {
		switch h, ok := parseGeneration(n); {
		case !ok:
		case h.number > g.number:
			if g.number > 0 {
				older = append(older, g.String())
			}
			g = h
		default:
			older = append(older, n)
		}
	}
	return g, older, nil
}

// empty reports whether no app has anything stored.
func (f *folder) empty() (bool, error) {
	apps, err := f.list(appsDir)
	if err != nil {
		return false, err
	}
	for _, app := range apps {
		files, err := f.list(path.Join(appsDir, app))
		if err != nil {
			continue // no folder: not ours
		}
		for _, n := range files {
			if _, ok := parseGeneration(n); ok {
				return false, nil
			}
		}
	}
	return true, nil
}

// keep gives a finished file its name among an app's and removes those before
// it. If it fails, the app has what it had.
func (f *folder) keep(p *part, pkg string, form form) error {
	defer p.discard()
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := p.close(); err != nil {
		return err
	}
	dir := path.Join(appsDir, folderName(pkg))
	if err := f.mkdir(dir); err != nil {
		return err
	}
	if err := f.sync(appsDir); err != nil {
		return err
	}
	was, older, err := f.current(pkg)
	if err != nil {
		return err
	}
	g := generation{number: was.number + 1, size: p.size, sum: p.sum, form: form}
	name := path.Join(dir, g.String())
	if err := f.root.Rename(p.name, name); err != nil {
		return err
	}
	if err := f.sync(dir); err != nil {
		return errors.Join(err, f.root.Remove(name))
	}
	if was.number > 0 {
		older = append(older, was.String())
	}
	for _, n := range older {
		_ = f.root.Remove(path.Join(dir, n)) // it no longer counts; the next pass tries again
	}
	return nil
}

// erase removes a folder. It is gone once the rename is on the disk; what is
// left to do then is done again by the next openFolder.
func (f *folder) erase(dir string) error {
	gone := f.temp()
	if err := f.root.Rename(dir, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := f.sync(path.Dir(dir)); err != nil {
		return err
	}
	return f.root.RemoveAll(gone)
}

// part is a file that is being written below partial.
type part struct {
	f    *folder
	name string
	file *os.File // nil once closed
	size int64
	sum  uint32
	// failed tells that the disk did not take something.
	failed bool
}

func (f *folder) create() (*part, error) {
	name := f.temp()
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, contentPerm)
	if err != nil {
		return nil, err
	}
	return &part{f: f, name: name, file: file}, nil
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.size += int64(n)
	p.sum = crc32.Update(p.sum, castagnoli, b[:n])
	p.failed = p.failed || err != nil
	return n, err
}

func (p *part) close() error {
	file := p.file
	p.file = nil
	return file.Close()
}

// discard removes the file, unless keep has given it another name. It is only
// rubbish by now: what cannot be removed goes when the folder is next opened.
func (p *part) discard() {
	if p == nil {
		return
	}
	if p.file != nil {
		_ = p.close()
	}
	_ = p.f.root.Remove(p.name)
}

// stored reads a generation. At its end it returns ErrDamaged instead of io.EOF
// if it was not what the name says.
type stored struct {
	file *os.File
	want generation
	size int64
	sum  uint32
}

// open opens an app's generation.
func (f *folder) open(pkg string, g generation) (*stored, error) {
	file, err := f.root.Open(path.Join(appsDir, folderName(pkg), g.String()))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != g.size) {
		err = ErrDamaged
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &stored{file: file, want: g}, nil
}

func (s *stored) Read(b []byte) (int, error) {
	n, err := s.file.Read(b)
	s.size += int64(n)
	s.sum = crc32.Update(s.sum, castagnoli, b[:n])
	if err == io.EOF && (s.size != s.want.size || s.sum != s.want.sum) || s.size > s.want.size {
		err = ErrDamaged
	}
	return n, err
}

func (s *stored) Close() error { return s.file.Close() }
