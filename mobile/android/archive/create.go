package archive

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// CreateOptions say what to write. The zero value is a plain archive of the
// newest version with everything in the folder.
type CreateOptions struct {
	// Container says how the .ab file is made.
	Container ab.CreateOptions
	// Take says which apps to write; shared storage is asked for as "". nil =
	// all.
	Take func(pkg string) bool
	// Self is the file that is written, where it may lie in the folder: it is
	// passed over. nil = it lies elsewhere.
	Self   fs.FileInfo
	Limits Limits
	// Problem is told of each [Finding]. nil = nobody wants to know.
	Problem func(Finding)
}

// Creation is what [Create] wrote.
type Creation struct {
	// Packages is the number of apps; one that has both files and key/value
	// data is one.
	Packages int
	// Refused is the number of apps that were not written, because Android
	// would not restore them.
	Refused int64
	// Written counts all files and folders; not what describes an app.
	Written Count
	// Gone is how many records of an index have no file any more.
	Gone int64
	// Inflated is the size of the tar in bytes.
	Inflated int64
}

// defaultOwner is whom new files belong to: the first app. Android ignores it.
const defaultOwner = 10000

// Create makes an archive of a folder-phone: apps by name, then shared storage,
// then key/value data; what has an index, in the order and with the headers of
// that.
//
// Of an index, a record whose file is gone is left out, and one whose file has
// another size or time gets a new header with the old mode and owner. Files
// that are in no index follow those of their domain, sorted, folders before
// what is in them. The same folder gives the same tar.
//
// An error leaves an archive that is not complete.
func Create(ctx context.Context, w io.Writer, dir string, o CreateOptions) (*Creation, error) {
	c := &creator{ctx: ctx, opts: o, buf: make([]byte, 128<<10)}
	c.opts.Limits = o.Limits.whole()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &c.done, fmt.Errorf("create: %w", bare(err))
	}
	defer root.Close()
	c.top = root
	out := bufio.NewWriterSize(w, readAhead)
	if err := c.create(out); err != nil {
		return &c.done, fmt.Errorf("create: %w", full(err))
	}
	if err := out.Flush(); err != nil {
		return &c.done, fmt.Errorf("create: %w", full(err))
	}
	return &c.done, nil
}

// creator is one run of Create.
type creator struct {
	ctx  context.Context
	opts CreateOptions
	top  *os.Root
	tar  *fullbackup.Writer
	buf  []byte
	done Creation
}

// source is a unit that can be written.
type source struct {
	unit
	// position is its place by its index; 0 = it has none.
	position int64
}

func (c *creator) create(out io.Writer) error {
	units, err := c.units()
	if err != nil {
		return err
	}
	container, err := ab.Create(out, c.opts.Container)
	if err != nil {
		return err
	}
	c.tar = fullbackup.NewWriter(container)
	written := make(map[string]struct{})
	for _, u := range units {
		ok, err := c.write(u)
		if err != nil {
			return bare(err)
		}
		if ok && u.pkg != "" {
			written[u.pkg] = struct{}{}
		}
	}
	c.done.Packages = len(written)
	if err := c.tar.End(); err != nil {
		return err
	}
	c.done.Inflated = c.tar.Offset()
	return container.Close()
}

func (c *creator) report(k Kind, s Severity, u unit, name, what string, err error) {
	if c.opts.Problem != nil {
		c.opts.Problem(Finding{Kind: k, Severity: s, Offset: -1, File: -1, Package: u.pkg, Name: name, What: what, Err: bare(err)})
	}
}

// units says what to write, in order.
func (c *creator) units() ([]source, error) {
	var list []source
	names, err := c.packages()
	if err != nil {
		return nil, err
	}
	take := func(pkg string) bool { return c.opts.Take == nil || c.opts.Take(pkg) }
	for _, pkg := range names {
		if !take(pkg) {
			continue
		}
		files, kv, err := c.kinds(pkg)
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		if err != nil {
			c.report(KindLeftOut, Refused, unit{pkg: pkg}, "", "the app's folder cannot be read", err)
			c.done.Refused++
			continue
		}
		for _, u := range []unit{{pkg, false}, {pkg, true}} {
			if u.kv && kv || !u.kv && files {
				list = append(list, source{u, c.position(u)})
			}
		}
	}
	if take("") {
		list = append(list, source{unit{}, c.position(unit{})})
	}
	return arrange(list), nil
}

// arrange merges the units that have a place into those that have none: each of
// these comes before the first of the others that belongs behind it.
func arrange(list []source) []source {
	class := func(s source) int {
		switch {
		case s.kv:
			return 2
		case s.pkg == "":
			return 1
		}
		return 0
	}
	byName := func(a, b source) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(a.pkg, b.pkg))
	}
	var placed, others []source
	for _, s := range list {
		if s.position > 0 {
			placed = append(placed, s)
		} else {
			others = append(others, s)
		}
	}
	slices.SortFunc(placed, func(a, b source) int { return cmp.Or(cmp.Compare(a.position, b.position), byName(a, b)) })
	slices.SortFunc(others, byName)
	out := make([]source, 0, len(list))
	for _, p := range placed {
		for len(others) > 0 && byName(others[0], p) < 0 {
			out, others = append(out, others[0]), others[1:]
		}
		out = append(out, p)
	}
	return append(out, others...)
}

// packages lists the apps' folders.
func (c *creator) packages() ([]string, error) {
	apps, err := openFolder(c.top, appsFolder, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("apps: %w", bare(err))
	}
	defer apps.Close()
	names, err := c.list(apps)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		info, err := apps.Lstat(name)
		switch {
		case name == sharedName || strings.HasPrefix(name, "."):
		case err != nil || !info.IsDir() || !packageName(name):
			c.report(KindLeftOut, Note, unit{}, name, "not an app's folder", err)
		case len(out) == c.opts.Limits.Packages:
			return nil, fmt.Errorf("apps in a folder: %w", ErrLimit)
		default:
			out = append(out, name)
		}
	}
	return out, nil
}

// list returns a folder's names, sorted.
func (c *creator) list(dir *os.Root) ([]string, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	f, err := dir.Open(".")
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, bare(err)
}

// kinds reports whether an app has files, and whether it has key/value data.
func (c *creator) kinds(pkg string) (files, kv bool, err error) {
	home, err := c.home(unit{pkg: pkg})
	if err != nil {
		return false, false, err
	}
	defer home.Close()
	names, err := c.list(home)
	if err != nil {
		return false, false, err
	}
	manifest := false
	for _, name := range names {
		switch {
		case name == string(domain.KeyValue):
			kv = true
		case name == indexKV || strings.HasPrefix(name, "."):
		case name == fullbackup.ManifestName:
			manifest = true
		default:
			files = true
		}
	}
	// A manifest alone is an app without files, or describes the key/value data.
	return files || manifest && !kv, kv, nil
}

// home opens the folder that a unit's places are below.
func (c *creator) home(u unit) (*os.Root, error) {
	if u.pkg == "" {
		return c.top.OpenRoot(".")
	}
	t := tree{root: c.top}
	d, err := t.open(homeName(u.pkg), false)
	return d, bare(err) // the tree is left to its only folder
}

// openIndex opens a unit's index; nil without an error if there is none.
func (c *creator) openIndex(u unit) (*os.File, *indexReader, error) {
	t := tree{root: c.top}
	defer t.close()
	dir, err := t.open(homeName(u.pkg), false)
	var f *os.File
	if err == nil {
		f, _, err = openFile(dir, indexOf(u))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, bare(err)
	}
	x, err := newIndexReader(f, u, c.opts.Limits.Entries)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, x, nil
}

// position returns a unit's place, 0 if it has no index that can be used.
func (c *creator) position(u unit) int64 {
	f, x, err := c.openIndex(u)
	if err != nil {
		c.badIndex(u, err)
	}
	if x == nil {
		return 0
	}
	f.Close()
	return x.position
}

func (c *creator) badIndex(u unit, err error) {
	c.report(KindIndex, Damage, u, "", "the index cannot be used, and the archive is in another order than before", err)
}
