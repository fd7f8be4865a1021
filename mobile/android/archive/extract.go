package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNoSpace: the disk is full, or a file says that it is larger than what is
// free.
var ErrNoSpace = errors.New("there is not enough free space")

// ErrInTheWay: something that is no folder lies where the apps belong.
var ErrInTheWay = errors.New("something else lies where the apps belong")

var (
	errExists = errors.New("something else is there already")
	errHost   = errors.New("this computer does not take its name")
	errPlace  = errors.New("its name leads nowhere in a folder")
	errName   = errors.New("an app of this name is not unpacked")
)

// ExtractOptions say how to unpack an archive.
type ExtractOptions struct {
	Options
	// Free returns how many bytes can be written. nil = nobody knows, and a full
	// disk shows only when a write fails.
	Free func() (int64, error)
}

// Extraction is what [Extract] did.
type Extraction struct {
	Listing
	// Apps were unpacked, Same were there already, Refused were not unpacked;
	// the findings say why. An app whose key/value data stands apart from its
	// files counts for each.
	Apps, Same, Refused int64
	// Written is what was written, of apps and of shared storage; not what
	// describes an app.
	Written Count
	// SharedSame and SharedRefused count files and folders of shared storage
	// that were there already, and those that were not unpacked.
	SharedSame, SharedRefused int64
}

// Extract unpacks an archive into a folder-phone, which is made if it is
// missing. An app appears once it is complete. Nothing that exists is
// overwritten: an app's folder that has other content is left as it is, and so
// is a file of shared storage.
//
// Files get the owner's bits of their mode, with the right to read and write,
// and their time. With an error, what was complete before stays.
func Extract(ctx context.Context, r io.Reader, dir string, o ExtractOptions) (*Extraction, error) {
	x := &extractor{free: o.Free, left: -1, buf: make([]byte, 128<<10)}
	x.census = newCensus(&o.Options)
	x.report = x.census.report
	rep := func() *Extraction { x.done.Listing = *x.census.list; return &x.done }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return rep(), fmt.Errorf("extract: %w", bare(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return rep(), fmt.Errorf("extract: %w", bare(err))
	}
	defer root.Close()
	x.top = root
	sum, err := Walk(ctx, r, o.Options, x.entry)
	x.census.list.Summary = sum
	if err == nil {
		err = x.finish()
	}
	if err == nil {
		err = x.sync()
	}
	if err != nil {
		x.abort()
		return rep(), fmt.Errorf("extract: %w", x.space(err))
	}
	return rep(), nil
}

// extractor is one run of Extract.
type extractor struct {
	top    *os.Root
	census *census
	report func(Finding)
	free   func() (int64, error)
	left   int64 // bytes that may be written before free is asked again; -1 = ask
	buf    []byte
	odd    oddReader
	done   Extraction

	unit *target // nil before the first
}

// target is a unit on its way to the disk.
//
//	staging:   written below apps/.NAME.part, and renamed at its end
//	comparing: its folder exists already and has to be the same
//	skipping:  refused, or no longer the same
type target struct {
	unit
	state   state
	first   *Entry // only for findings: its header and offsets
	files   *tree  // of what lies below the unit's place
	part    *os.Root
	index   *indexFile
	folders *indexFile // of those that were made, for their times
}

type state uint8

const (
	skipping state = iota
	staging
	comparing
)

// indexFile is an index that is being written.
type indexFile struct {
	*indexWriter
	f *os.File
}

func (x *indexFile) close() {
	if x != nil {
		x.f.Close()
	}
}

// entry takes one entry in.
func (x *extractor) entry(e *Entry) error {
	first, err := x.census.entry(e)
	if err != nil {
		return err
	}
	if first {
		if err := x.finish(); err != nil {
			return err
		}
		if err := x.begin(e); err != nil {
			return err
		}
	}
	if x.unit.state == skipping {
		return nil
	}
	name := place(x.unit.unit, e.Header)
	switch {
	case name == "":
		err = errPlace
	case !hostTakes(name):
		err = errHost
	case x.unit.state == comparing:
		return x.compare(e, name)
	default:
		err = x.write(e, name)
	}
	return x.outcome(e, err)
}

// outcome makes a finding of what concerns one entry only.
func (x *extractor) outcome(e *Entry, err error) error {
	if err == nil {
		return nil
	}
	kind, what := KindHost, "it cannot be stored here"
	switch {
	case errors.Is(err, errExists):
		kind, what = KindExists, err.Error()
	case errors.Is(err, errPlace):
		kind, what = KindEntry, err.Error()
	case errors.Is(err, errHost), errors.Is(err, errNotFolder), errors.Is(err, errNotFile), errors.Is(err, errMoved):
		what = err.Error()
	case nameRefused(err):
		what = errHost.Error()
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EXDEV):
	default:
		return bare(err)
	}
	if e.Package == "" {
		x.done.SharedRefused++
	}
	x.report(e.finding(kind, Refused, what, bare(err)))
	return nil
}

// begin decides what to do with the unit that e begins.
func (x *extractor) begin(e *Entry) error {
	h := *e.Header
	t := &target{unit: unitOf(&h), first: &Entry{Header: &h, Offset: e.Offset, Data: e.Data, File: e.File}}
	x.unit = t
	p := x.census.pkg
	switch {
	case t.pkg == "":
		t.files = &tree{root: x.top}
	case !packageName(t.pkg) || !hostTakes(t.pkg):
		x.refuse(KindHost, errName)
		return nil
	case p.units[index(t.kv)].runs > 1:
		x.refuse(KindDuplicate, errors.New("the app was there before, and this part of it is left out"))
		return nil
	}
	apps, err := openFolder(x.top, appsFolder, true)
	if errors.Is(err, errNotFolder) {
		return ErrInTheWay
	}
	if err != nil {
		return err
	}
	defer apps.Close()
	if t.pkg != "" && !p.made {
		switch _, err := apps.Lstat(t.pkg); {
		case err == nil:
			return x.beginCompare(apps)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return x.beginStage()
}

func (x *extractor) beginCompare(apps *os.Root) error {
	home, err := openFolder(apps, x.unit.pkg, false)
	if errors.Is(err, errNotFolder) {
		x.refuse(KindExists, errExists)
		return nil
	}
	if err != nil {
		return err
	}
	x.unit.files, x.unit.part, x.unit.state = &tree{root: home}, home, comparing
	return nil
}

func (x *extractor) beginStage() (err error) {
	t := x.unit
	part := partName(t.pkg)
	if err := x.top.RemoveAll(part); err != nil { // of a run that was ended
		return err
	}
	if err := x.top.Mkdir(part, 0o700); err != nil {
		return err
	}
	t.state = staging // from here on abort removes it
	if t.part, err = x.top.OpenRoot(part); err != nil {
		return err
	}
	if t.files == nil {
		t.files = &tree{root: t.part}
	}
	if t.index, err = x.newIndex(indexOf(t.unit)); err != nil {
		return err
	}
	t.folders, err = x.newIndex(foldersName)
	return err
}

func (x *extractor) newIndex(name string) (*indexFile, error) {
	f, err := x.unit.part.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &indexFile{newIndexWriter(f, x.census.runs), f}, nil
}

// refuse leaves the unit out.
func (x *extractor) refuse(k Kind, why error) {
	x.report(x.unit.first.finding(k, Refused, why.Error(), nil))
	x.done.Refused++
	x.unit.state = skipping
}
