package archive

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// What no index names, and everything where there is none: found in the folder
// and written in the order of Android's own agent.

// after writes the new files of a domain that ended, and the domains that the
// index does not have and whose place is before next.
func (p *packer) after(last, next domain.Token) error {
	if err := p.news(last); err != nil || next == "" || p.begun[next] {
		return err
	}
	p.begun[next] = true
	return p.before(next)
}

// before writes what is not yet written of the domains that come before next;
// "" = of all.
func (p *packer) before(next domain.Token) error {
	list, err := p.domains()
	if err != nil {
		return err
	}
	for _, t := range list {
		if next != "" && (p.listed[t] || byOrder(t, next) >= 0) {
			continue
		}
		if err := p.news(t); err != nil {
			return err
		}
	}
	return nil
}

// rank is a domain's place: the app itself, what Android's agent writes in its
// order, expansion files, others.
func rank(t domain.Token) int {
	order := append(append([]domain.Token{domain.APK}, domain.Order()...), domain.OBB)
	if i := slices.Index(order, t); i >= 0 {
		return i
	}
	return len(order)
}

func byOrder(a, b domain.Token) int {
	if n, ok := a.Volume(); ok {
		m, _ := b.Volume()
		return cmp.Compare(n, m)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// domains lists the unit's domains that are in the folder, in order.
func (p *packer) domains() ([]domain.Token, error) {
	if p.kv {
		return []domain.Token{domain.KeyValue}, nil
	}
	names, err := p.list(p.files.root)
	if err != nil {
		return nil, err
	}
	var out []domain.Token
	if p.pkg == "" {
		out = append(out, domain.Shared(0))
	}
	for _, name := range names {
		switch t := domain.Token(name); {
		case p.pkg == "":
			if number, ok := strings.CutPrefix(name, volumeStart); ok {
				if n, err := strconv.Atoi(number); err == nil && n > 0 && n < maxVolumes && strconv.Itoa(n) == number {
					out = append(out, domain.Shared(n))
				}
			}
		case ownName(name), t == domain.KeyValue, strings.HasPrefix(name, "."):
		case slices.Contains(described, name) && !p.listed[t]:
			if !p.ended[t] {
				p.ended[t] = true
				p.report(KindLeftOut, Note, p.unit, name, "it describes the app, and is no data of it", nil)
			}
		case domain.NeverBackedUp(t, "") && !p.listed[t]:
			if !p.ended[t] {
				p.ended[t] = true
				p.report(KindLeftOut, Note, p.unit, name, "caches and the like, which Android does not restore", nil)
			}
		default:
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, byOrder)
	return out, nil
}

// news writes the files of a domain that the index does not name, once.
func (p *packer) news(t domain.Token) error {
	if t == "" || p.ended[t] {
		return nil
	}
	p.ended[t] = true
	n, shared := t.Volume()
	if p.kv {
		return p.child(domain.KeyValue, "", p.pkg+".data")
	}
	switch {
	case !shared || p.pkg != "":
		return p.folder(t, string(t), "")
	case n > 0:
		return p.folder(t, volumeStart+strconv.Itoa(n), "")
	}
	return p.sharedNews(t)
}

// sharedNews is news for volume 0, which lies at the top, and in shared-0 what
// would mean something else there.
func (p *packer) sharedNews(t domain.Token) error {
	names, err := p.list(p.files.root)
	if err != nil {
		return err
	}
	aside := slices.Contains(names, volumeStart+"0")
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(sharedRank(a), sharedRank(b)) })
	names = slices.DeleteFunc(names, func(s string) bool { return isReserved(s) || strings.HasPrefix(s, ".") })
	if aside {
		dir, err := p.files.open(volumeStart+"0", false)
		if err != nil {
			p.report(KindLeftOut, Refused, p.unit, volumeStart+"0", "a folder that cannot be read", err)
			return nil
		}
		more, err := p.list(dir)
		if err != nil {
			return err
		}
		for _, name := range more {
			if isReserved(name) {
				names = append(names, name)
			} else {
				p.report(KindLeftOut, Note, p.unit, volumeStart+"0/"+name, "it does not belong into this folder, but beside it", nil)
			}
		}
	}
	for _, name := range names {
		if err := p.child(t, "", name); err != nil {
			return err
		}
	}
	return nil
}

func sharedRank(name string) int {
	if i := slices.Index(sharedFirst, name); i >= 0 {
		return i
	}
	return len(sharedFirst)
}

// folder writes what is new in the folder at disk, which is rel in its domain.
func (p *packer) folder(t domain.Token, disk, rel string) error {
	dir, err := p.files.open(disk, false)
	if errors.Is(err, fs.ErrNotExist) && rel == "" {
		return nil
	}
	var names []string
	if err == nil {
		names, err = p.list(dir)
	}
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if err != nil {
		what := "a folder that cannot be read"
		if rel == "" && errors.Is(err, errNotFolder) {
			what = "it is in no folder that an archive has for apps"
		}
		p.report(KindLeftOut, Refused, p.unit, disk, what, err)
		return nil
	}
	for _, name := range names {
		if err := p.child(t, rel, name); err != nil {
			return err
		}
	}
	return nil
}

// child writes what is new of one name, and below it.
func (p *packer) child(t domain.Token, rel, name string) error {
	if rel != "" {
		name = rel + "/" + name
	}
	h := fullbackup.Header{Package: p.pkg, Domain: string(t), Path: name, Type: fullbackup.TypeFile,
		UID: defaultOwner, GID: defaultOwner}
	disk := place(p.unit, &h)
	if disk == "" || len(h.Name()) > fullbackup.MaxPath {
		p.report(KindLeftOut, Refused, p.unit, name, "its name does not fit into an archive", nil)
		return nil
	}
	dir, base, err := p.files.at(disk, false)
	var info fs.FileInfo
	if err == nil {
		info, err = dir.Lstat(base)
	}
	if err != nil {
		if !p.kv || !errors.Is(err, fs.ErrNotExist) {
			p.report(KindLeftOut, Refused, p.unit, name, "it cannot be read", err)
		}
		return nil
	}
	h.Mode = uint32(info.Mode().Perm())
	if !info.IsDir() {
		return p.add(&h)
	}
	h.Type, h.Mode, h.ModTime = fullbackup.TypeDirectory, h.Mode|0o700, seconds(info)
	if !p.isKnown(&h) {
		if ok, err := p.header(&h); err != nil || !ok {
			return err
		}
	}
	return p.folder(t, disk, name)
}

// seconds returns a file's time as an archive holds it.
func seconds(info fs.FileInfo) int64 { return min(max(info.ModTime().Unix(), 0), 1<<33-1) }
