package manager

import (
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

// maxNames is how much is read of a file with names, in bytes.
const maxNames = 16 << 20

// parseNames reads package names as Java's writeUTF wrote them, up to the first
// that is not whole: the program was killed while it wrote that.
func parseNames(b []byte) []string {
	var names []string
	for len(b) > 0 {
		name, rest, err := mutf8.CutUTF(b)
		if err != nil {
			break
		}
		if validPackage(name) || name == android.MetadataPackage {
			names = append(names, name)
		}
		b = rest
	}
	return names
}

// A nameFile is a file of names that only grows.
type nameFile struct {
	d    *disk
	path string
	f    *os.File // nil until something is written
}

// add writes one name and makes it durable.
func (n *nameFile) add(name string) error {
	record, err := mutf8.AppendUTF(nil, name)
	if err != nil {
		return fmt.Errorf("note a name: %w", ErrName)
	}
	if n.f == nil {
		err := n.d.do("create a file", func() (err error) {
			n.f, err = os.OpenFile(n.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			return err
		})
		if err != nil {
			return err
		}
		if err := n.d.syncDir(n.d.root); err != nil {
			return err
		}
	}
	err = n.d.do("write a file", func() error { _, err := n.f.Write(record); return err })
	if err == nil {
		err = n.d.do("sync a file", n.f.Sync)
	}
	return err
}

func (n *nameFile) close() {
	if n != nil && n.f != nil {
		_ = n.f.Close()
		n.f = nil
	}
}

// A journal holds the names of apps that have something new, in memory and in
// files that are numbered upwards (AOSP DataChangedJournal.java). A pass takes
// all names; its files are deleted only at its end, so a pass that is killed
// leaves them for the next. Guarded by the manager's lock.
type journal struct {
	d     *disk
	dir   string
	last  int // number of the newest file
	file  *nameFile
	names []string
	have  map[string]bool
}

func openJournal(d *disk, dir string) (*journal, error) {
	j := &journal{d: d, dir: dir, have: make(map[string]bool)}
	if err := d.mkdir(dir); err != nil {
		return nil, err
	}
	numbers, err := j.numbers()
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		b, err := readSmall(j.path(n), maxNames)
		if err != nil {
			return nil, err
		}
		for _, name := range parseNames(b) {
			j.remember(name)
		}
		j.last = n
	}
	return j, nil
}

func (j *journal) path(n int) string { return j.d.path("pending", strconv.Itoa(n)) }

func (j *journal) numbers() ([]int, error) {
	files, err := j.d.names(j.dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, f := range files {
		if n, err := strconv.Atoi(f); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (j *journal) remember(name string) {
	if !j.have[name] {
		j.have[name] = true
		j.names = append(j.names, name)
	}
}

// add notes a name. If it cannot be written it is still known until the
// program ends.
func (j *journal) add(name string) error {
	if j.have[name] {
		return nil
	}
	j.remember(name)
	if j.file == nil {
		j.last++
		j.file = &nameFile{d: j.d, path: j.path(j.last)}
	}
	if err := j.file.add(name); err != nil {
		j.rotate() // what follows half a record could not be read
		return err
	}
	return nil
}

func (j *journal) rotate() {
	if j.file != nil {
		j.file.close()
		j.file = nil
	}
}

// take empties the set, and returns up to which file settle may delete.
func (j *journal) take() (names []string, upTo int) {
	j.rotate()
	names, j.names = j.names, nil
	clear(j.have)
	return names, j.last
}

// settle deletes the files that a pass was done with.
func (j *journal) settle(upTo int) error {
	numbers, err := j.numbers()
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		return nil
	}
	for _, n := range numbers {
		if n <= upTo {
			if err := j.d.remove(j.path(n)); err != nil {
				return err
			}
		}
	}
	return j.d.syncDir(j.dir)
}

// drop forgets everything.
func (j *journal) drop() error {
	_, upTo := j.take()
	return j.settle(upTo)
}
