package archive

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// maxListing is how much memory a [Listing] may take, about.
const maxListing = 48 << 20

// Count is a number of files.
type Count struct {
	Files, Folders int64
	// Bytes is their content.
	Bytes int64
}

func (c *Count) add(h *fullbackup.Header) {
	if h.Type == fullbackup.TypeDirectory {
		c.Folders++
		return
	}
	c.Files++
	c.Bytes += h.Size
}

// Place is what lies in one domain of an app, or on one volume.
type Place struct {
	// Domain is "" for domains that are not Android's, taken together.
	Domain domain.Token
	Count
}

// Package is an app in an archive.
type Package struct {
	Name string
	// Offset is where it begins in the tar.
	Offset int64
	// HasManifest says that there is a manifest that can be read. Without it
	// the next five are zero.
	HasManifest  bool
	VersionCode  int64
	SDK          int64
	Installer    string // at most 255 bytes
	HasAPK       bool
	Certificates int
	// Widgets says that there is a _meta.
	Widgets bool
	// Count is all of its files; _manifest and _meta are not counted.
	Count
	Places []Place
	// KeyValue says that there is key/value data, with so many Entities.
	KeyValue bool
	Entities int64
	// Problems is the number of findings about it.
	Problems int64

	units [2]unitCount // files, and key/value data
	made  bool         // Extract made its folder
}

// unitCount is what was seen of one of the two units that an app can have.
type unitCount struct {
	runs, manifests int64
	told            bool // that a manifest is missing
}

// Listing is what is in an archive.
type Listing struct {
	Summary
	// Packages are in the order of the archive.
	Packages []*Package
	// Shared are the volumes of shared storage.
	Shared []Place
	// Repacked says that another tar than Android's made the archive.
	Repacked bool
	// Problems is the number of findings.
	Problems int64
}

// List says what is in an archive. It reads all of it. With an error, the
// Listing holds what was seen before.
func List(ctx context.Context, r io.Reader, o Options) (*Listing, error) {
	c := newCensus(&o)
	var err error
	c.list.Summary, err = Walk(ctx, r, o, func(e *Entry) error {
		if _, err := c.entry(e); err != nil {
			return err
		}
		return c.entities(e)
	})
	return c.list, err
}

// unit is what stands together in an archive: an app's files, its key/value
// data, or all shared storage.
type unit struct {
	pkg string // "" = shared storage
	kv  bool
}

func unitOf(h *fullbackup.Header) unit { return unit{h.Package, h.Domain == string(domain.KeyValue)} }

// census counts an archive's entries as they pass.
type census struct {
	list   *Listing
	report func(Finding)
	byName map[string]*Package
	most   int
	cost   int64
	cur    unit
	pkg    *Package // of cur; nil = shared storage
	runs   int64
}

// newCensus takes o.Problem's place, so that it can count.
func newCensus(o *Options) *census {
	c := &census{list: &Listing{}, byName: make(map[string]*Package), most: o.Limits.whole().Packages}
	tell := o.Problem
	c.report = func(f Finding) {
		c.list.Problems++
		if p := c.byName[f.Package]; p != nil {
			p.Problems++
		}
		if tell != nil {
			tell(f)
		}
		if f.Err == fullbackup.Parent {
			c.repacked(f)
		}
	}
	o.Problem = func(f Finding) { c.report(f) }
	return c
}

// repacked tells once that the archive is not as Android made it.
func (c *census) repacked(f Finding) {
	if !c.list.Repacked {
		c.list.Repacked = true
		c.report(Finding{Kind: KindRepacked, Severity: Refused, Offset: f.Offset, File: f.File,
			What: "the archive was packed again by another tar, and Android does not restore such"})
	}
}

// entry counts e and reports whether it begins a unit.
func (c *census) entry(e *Entry) (first bool, err error) {
	u := unitOf(e.Header)
	if first = c.runs == 0 || u != c.cur; first {
		if err := c.begin(u, e); err != nil {
			return false, err
		}
	}
	if odd := e.Odd; len(odd) >= tarBlock && string(odd[len(odd)-tarBlock:][257:265]) == "ustar  \x00" {
		c.repacked(e.finding(KindRepacked, Refused, "", nil))
	}
	if c.pkg == nil {
		return first, c.volume(e)
	}
	n := &c.pkg.units[index(u.kv)]
	switch {
	case e.IsManifest():
		if n.manifests++; n.manifests > 1 {
			c.report(e.finding(KindDuplicate, Refused, "the app has another manifest", nil))
		}
		c.manifest(e)
		return first, nil
	case n.manifests == 0 && !n.told:
		n.told = true
		c.report(e.finding(KindNoManifest, Refused, "the app has no manifest before its files, and Android leaves it out", nil))
	}
	if e.IsMeta() {
		c.pkg.Widgets = true
		c.widgets(e)
		return first, nil
	}
	c.pkg.Count.add(e.Header)
	return first, c.place(&c.pkg.Places, domain.Token(e.Domain), e.Header)
}

// pkgOf returns the app of a unit, nil for shared storage.
func (c *census) pkgOf(u unit) *Package { return c.byName[u.pkg] }

func index(kv bool) int {
	if kv {
		return 1
	}
	return 0
}

func (c *census) begin(u unit, e *Entry) error {
	c.cur, c.pkg = u, nil
	c.runs++
	if u.pkg == "" {
		return nil
	}
	p := c.byName[u.pkg]
	if p == nil {
		if len(c.list.Packages) >= c.most {
			return fmt.Errorf("apps in an archive: %w", ErrLimit)
		}
		if err := c.spend(300 + 2*int64(len(u.pkg))); err != nil {
			return err
		}
		p = &Package{Name: strings.Clone(u.pkg), Offset: e.Offset} // not with the whole entry's name
		c.byName[p.Name] = p
		c.list.Packages = append(c.list.Packages, p)
	}
	c.pkg = p
	p.KeyValue = p.KeyValue || u.kv
	if p.units[index(u.kv)].runs++; p.units[index(u.kv)].runs > 1 {
		c.report(e.finding(KindDuplicate, Refused, "the app comes again after others", nil))
	}
	return nil
}

// spend notes memory that stays in use.
func (c *census) spend(n int64) error {
	if c.cost += n; c.cost > maxListing {
		return fmt.Errorf("list of an archive: %w", ErrLimit)
	}
	return nil
}

func (c *census) place(places *[]Place, t domain.Token, h *fullbackup.Header) error {
	if !t.Known() {
		t = ""
	}
	i := slices.IndexFunc(*places, func(p Place) bool { return p.Domain == t })
	if i < 0 {
		if err := c.spend(100); err != nil {
			return err
		}
		i = len(*places)
		*places = append(*places, Place{Domain: domain.Token(strings.Clone(string(t)))})
	}
	(*places)[i].add(h)
	return nil
}

// maxVolumes is far more than a phone has.
const maxVolumes = 64

func (c *census) volume(e *Entry) error {
	t := domain.Token(e.Domain)
	if n, ok := t.Volume(); !ok || n >= maxVolumes {
		c.report(e.finding(KindEntry, Refused, "shared storage has no volume of this name", nil))
		t = ""
	}
	return c.place(&c.list.Shared, t, e.Header)
}

func (c *census) manifest(e *Entry) {
	m, err := fullbackup.ParseManifest(e.Metadata)
	switch {
	case err != nil:
		c.report(e.finding(KindManifest, Damage, "the manifest cannot be read", err))
		return
	case m.Package != e.Package:
		c.report(e.finding(KindManifest, Refused, "the manifest is another app's", nil))
		return
	case len(m.Certificates) == 0:
		c.report(e.finding(KindManifest, Refused, "the manifest has no certificate, and Android leaves the app out", nil))
	case !m.AndroidReads():
		c.report(e.finding(KindManifest, Refused, "the version code is larger than Android reads, and it leaves the app out", nil))
	}
	p := c.pkg
	p.HasManifest, p.VersionCode, p.SDK, p.HasAPK, p.Certificates = true, m.VersionCode, m.SDK, m.HasAPK, len(m.Certificates)
	if p.Installer == "" {
		p.Installer = strings.Clone(m.Installer[:min(len(m.Installer), 255)])
		c.cost += int64(len(p.Installer)) // the next app meets the limit
	}
}

func (c *census) widgets(e *Entry) {
	m, err := fullbackup.ParseMeta(e.Metadata)
	switch {
	case err != nil:
		c.report(e.finding(KindWidgets, Damage, "the widgets' state cannot be read", err))
	case m.Package != e.Package:
		c.report(e.finding(KindWidgets, Refused, "the widgets' state is another app's", nil))
	}
}

// entities reads the content of e if it is key/value data.
func (c *census) entities(e *Entry) error {
	if e.Package == "" || e.Domain != string(domain.KeyValue) || e.Type != fullbackup.TypeFile || e.IsManifest() {
		return nil
	}
	if e.Path != e.Package+".data" {
		c.report(e.finding(KindKeyValue, Note, "a file that Android does not put beside key/value data", nil))
		return nil
	}
	r := entity.NewReader(e, entity.Limits{})
	for {
		h, err := r.Next()
		switch d, damaged := entityDamage(err); {
		case err == io.EOF:
			return nil
		case damaged:
			f := e.finding(KindKeyValue, Damage, "the key/value data cannot be read: "+d.What, err)
			f.Offset, f.File = e.Data+d.Offset, e.File+d.Offset
			c.report(f)
			return nil
		case err != nil:
			return err
		case h.Deleted:
			c.report(e.finding(KindKeyValue, Note, "a deletion among the key/value data", nil))
		default:
			c.pkg.Entities++
		}
	}
}
