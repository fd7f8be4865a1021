package archive

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// maxAgain is how often an index may name one file. Android names it twice
// where an app's rules include a folder and something in it.
const maxAgain = 16

// packer writes one unit.
type packer struct {
	*creator
	unit
	files *tree
	// known are hashes of what the index names, sorted. That two of a million
	// names have the same is as likely as one in forty million.
	known []uint64
	// above are those of the folders above what the index names, sorted:
	// Android does not store them all.
	above []uint64
	seed  maphash.Seed
	// listed are the index's domains, begun those of them that were reached;
	// ended are the domains whose new files are written.
	listed, begun, ended map[domain.Token]bool
	// manifest is what stands in for a missing k/_manifest.
	manifest []byte
}

// write writes a unit and reports whether it did.
func (c *creator) write(s source) (bool, error) {
	home, err := c.home(s.unit)
	if err != nil && s.pkg != "" { // since its names were read
		c.report(KindLeftOut, Refused, s.unit, "", "the app's folder cannot be read", err)
		c.done.Refused++
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer home.Close()
	p := &packer{creator: c, unit: s.unit, files: &tree{root: home}, seed: maphash.MakeSeed(),
		listed: make(map[domain.Token]bool), begun: make(map[domain.Token]bool), ended: make(map[domain.Token]bool)}
	defer p.files.close()
	if p.pkg != "" {
		switch ok, err := p.describe(); {
		case err != nil:
			return false, err
		case !ok:
			c.done.Refused++
			return false, nil
		}
	}
	indexed := s.position > 0
	if indexed {
		switch err := p.scan(); {
		case p.ctx.Err() != nil:
			return false, p.ctx.Err()
		case err != nil:
			p.badIndex(p.unit, err)
			p.known, p.above, indexed = nil, nil, false
			clear(p.listed)
		}
	}
	if err := p.metadata(); err != nil {
		return false, err
	}
	if indexed {
		if err := p.replay(); err != nil {
			return false, err
		}
	}
	return true, p.before("")
}

// describe looks whether there is a manifest, and what Android makes of it.
func (p *packer) describe() (bool, error) {
	b, err := p.small(p.manifestPlace())
	if p.kv && errors.Is(err, fs.ErrNotExist) {
		if b, err = p.small(fullbackup.ManifestName); err == nil {
			p.manifest = b
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.report(KindNoManifest, Refused, p.unit, "", "the app has no manifest, and Android could not restore it", nil)
		return false, nil
	case err != nil:
		p.report(KindManifest, Refused, p.unit, "", "the app's manifest cannot be read", err)
		return false, nil
	}
	switch m, err := fullbackup.ParseManifest(b); {
	case err != nil:
		p.report(KindManifest, Refused, p.unit, "", "the app's manifest is damaged, and Android will leave the app out", err)
	case m.Package != p.pkg:
		p.report(KindManifest, Refused, p.unit, "", "the manifest is another app's, and Android will leave the app out", nil)
	case !m.AndroidReads():
		p.report(KindManifest, Refused, p.unit, "", "the manifest has no certificate or too large a version code, and Android will leave the app out", nil)
	}
	return true, nil
}

func (p *packer) manifestPlace() string {
	if p.kv {
		return string(domain.KeyValue) + "/" + fullbackup.ManifestName
	}
	return fullbackup.ManifestName
}

// small reads a manifest.
func (p *packer) small(name string) ([]byte, error) {
	dir, base, err := p.files.at(name, false)
	if err != nil {
		return nil, err
	}
	f, _, err := openFile(dir, base)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, fullbackup.MaxMetadata+1))
	if err == nil && len(b) > fullbackup.MaxMetadata {
		err = fullbackup.TooLarge
	}
	return b, err
}

// scan reads the whole index, so that nothing is written by one that is damaged.
func (p *packer) scan() error {
	last := ""
	return p.records(func(h *fullbackup.Header) error {
		if h.Domain != "" {
			p.listed[domain.Token(h.Domain)] = true
		}
		if len(p.listed) > 1000 {
			return fmt.Errorf("domains: %w", ErrLimit)
		}
		p.known = append(p.known, p.hash(h))
		name := place(p.unit, h)
		defer func() { last = name }()
		return p.parents(name, last)
	}, func() error {
		slices.Sort(p.known)
		p.compact()
		for i := maxAgain; i < len(p.known); i++ {
			if p.known[i] == p.known[i-maxAgain] {
				return fmt.Errorf("a file's records: %w", ErrLimit)
			}
		}
		return nil
	})
}

// records calls each for the records of the index, and then end.
func (p *packer) records(each func(*fullbackup.Header) error, end func() error) error {
	f, x, err := p.openIndex(p.unit)
	if err != nil {
		return err
	}
	if x == nil {
		return errMoved
	}
	defer f.Close()
	for {
		h, err := x.next()
		if err == io.EOF {
			return end()
		}
		if err == nil {
			err = p.ctx.Err()
		}
		if err == nil {
			err = each(h)
		}
		if err != nil {
			return err
		}
	}
}

// parents notes the folders above a place that are not above the last one.
func (p *packer) parents(name, last string) error {
	for i := range len(name) {
		if name[i] == '/' && !strings.HasPrefix(last, name[:i+1]) {
			p.above = append(p.above, p.hashOf(fullbackup.TypeDirectory, name[:i]))
		}
	}
	most := int(min(p.opts.Limits.Entries, fullbackup.DefaultEntries))
	if len(p.above) > 2*most {
		if p.compact(); len(p.above) > most {
			return fmt.Errorf("folders: %w", ErrLimit)
		}
	}
	return nil
}

func (p *packer) compact() {
	slices.Sort(p.above)
	p.above = slices.Compact(p.above)
}

// hash is the same for the same place, as far as it is a file both times, or a
// folder.
func (p *packer) hash(h *fullbackup.Header) uint64 { return p.hashOf(h.Type, place(p.unit, h)) }

func (p *packer) hashOf(t fullbackup.Type, name string) uint64 {
	var m maphash.Hash
	m.SetSeed(p.seed)
	_ = m.WriteByte(byte(t)) // a Hash has no errors
	_, _ = m.WriteString(name)
	return m.Sum64()
}

// isKnown reports whether the index names a file or folder, or implies it.
func (p *packer) isKnown(h *fullbackup.Header) bool {
	sum := p.hash(h)
	_, known := slices.BinarySearch(p.known, sum)
	if !known && h.Type == fullbackup.TypeDirectory {
		_, known = slices.BinarySearch(p.above, sum)
	}
	return known
}

// metadata writes the manifest and the widgets, unless the index says where.
func (p *packer) metadata() error {
	if p.pkg == "" {
		return nil
	}
	if p.kv {
		h := fullbackup.MetadataHeader(p.pkg, string(domain.KeyValue), fullbackup.ManifestName, int64(len(p.manifest)))
		if p.manifest == nil {
			return p.add(&h)
		}
		if err := p.tar.WriteHeader(h); err != nil {
			return err
		}
		_, err := p.tar.Write(p.manifest)
		return err
	}
	for _, name := range []string{fullbackup.ManifestName, fullbackup.MetaName} {
		h := fullbackup.MetadataHeader(p.pkg, "", name, 0)
		if err := p.add(&h); err != nil {
			return err
		}
	}
	return nil
}

// add writes what is in no index, with a header of its own.
func (p *packer) add(h *fullbackup.Header) error {
	if p.isKnown(h) {
		return nil
	}
	_, err := p.file(h, false)
	return err
}

// replay writes what the index names. Where a domain ends, its new files follow.
func (p *packer) replay() error {
	last := domain.Token("")
	err := p.records(func(h *fullbackup.Header) error {
		if t := domain.Token(h.Domain); t != last {
			if err := p.after(last, t); err != nil {
				return err
			}
			last = t
		}
		_, err := p.file(h, true)
		return err
	}, func() error { return p.news(last) })
	if e, ok := errors.AsType[*IndexError](err); ok { // it changed since it was read
		p.badIndex(p.unit, e)
		return nil
	}
	return err
}

// header writes a header, and reports false for one that cannot be written.
func (p *packer) header(h *fullbackup.Header) (bool, error) {
	err := p.tar.WriteHeader(*h)
	if errors.Is(err, fullbackup.ErrInvalid) {
		p.report(KindLeftOut, Refused, p.unit, h.Path, "its name does not fit into an archive", err)
		return false, nil
	}
	if err == nil && h.Path != "" && !h.IsManifest() && !h.IsMeta() {
		p.done.Written.add(h)
	}
	return err == nil, err
}

// file writes the file or folder of a header, with the header's mode and owner.
// indexed says that its absence is no surprise.
func (p *packer) file(h *fullbackup.Header, indexed bool) (bool, error) {
	if err := p.ctx.Err(); err != nil {
		return false, err
	}
	disk := place(p.unit, h)
	dir, base, err := p.files.at(disk, false)
	var info fs.FileInfo
	if err == nil && h.Type == fullbackup.TypeDirectory {
		if info, err = dir.Lstat(base); err == nil && !info.IsDir() {
			err = errNotFolder
		}
		if err == nil {
			return p.header(h)
		}
	}
	var f *os.File
	if err == nil {
		f, info, err = openFile(dir, base)
	}
	switch {
	case err == nil && p.opts.Self != nil && os.SameFile(info, p.opts.Self):
		return false, f.Close()
	case err == nil:
		defer f.Close()
	case errors.Is(err, fs.ErrNotExist), indexed && (errors.Is(err, errNotFile) || errors.Is(err, errNotFolder)):
		if indexed {
			p.done.Gone++
		}
		return false, nil
	case errors.Is(err, errNotFile):
		p.report(KindLeftOut, Refused, p.unit, h.Path, "neither a file nor a folder", nil)
		return false, nil
	default:
		p.report(KindLeftOut, Refused, p.unit, h.Path, "it cannot be read", err)
		return false, nil
	}
	meta := h.IsManifest() || h.IsMeta()
	if meta && info.Size() > fullbackup.MaxMetadata {
		p.report(KindLeftOut, Refused, p.unit, h.Path, fullbackup.TooLarge.Error(), nil)
		return false, nil
	}
	switch {
	case indexed && info.Size() == h.Size && info.ModTime().Unix() == h.ModTime: // as it was
	case meta && !indexed:
		h.Size = info.Size()
	default:
		h.Size, h.ModTime, h.Odd = info.Size(), seconds(info), nil
	}
	if ok, err := p.header(h); err != nil || !ok {
		return false, err
	}
	return true, p.content(h, f, info)
}

// content copies a file. Its header has been written, so it takes the size that
// this promised, whatever became of the file.
func (p *packer) content(h *fullbackup.Header, f *os.File, was fs.FileInfo) error {
	left := h.Size
	var rerr error
	for left > 0 && rerr == nil {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		var n int
		n, rerr = f.Read(p.buf[:min(left, int64(len(p.buf)))])
		left -= int64(n)
		if _, err := p.tar.Write(p.buf[:n]); err != nil {
			return err
		}
	}
	if left > 0 {
		what := "it shrank while it was read, and its end is filled with zeros"
		if rerr != io.EOF {
			what = "it could not be read to its end, which is filled with zeros"
		}
		p.report(KindChanged, Damage, p.unit, h.Path, what, rerr)
		_, err := p.tar.ZeroFill()
		return err
	}
	if now, err := f.Stat(); err == nil && (now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime())) {
		p.report(KindChanged, Note, p.unit, h.Path, "it changed while it was read", nil)
	}
	return nil
}
