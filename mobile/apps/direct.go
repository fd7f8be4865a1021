package apps

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path"
	"sync"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// errReserved says that an app's own records have a key that is the system's.
var errReserved = errors.New("a record has a reserved key")

// records lists an app's records straight from the file that an agent of it
// once wrote. There is nothing to be asked of the agent: all of them move, and
// the first of them goes out while the others are read. What turns out to be
// wrong with the file later keeps the app from being whole.
func (p *pass) records(a *app, e *emitter) error {
	root, err := p.apps.OpenRoot(a.Name)
	if err != nil {
		return err
	}
	defer root.Close()
	f, fi, err := appdir.Open(root, path.Join("k", a.Name+".data"))
	if err != nil {
		return err
	}
	defer f.Close()
	if e.set, err = p.agent.sets.digest(a.Name, f, fi); err != nil {
		return backup.Fail("read", Kind, backup.ReasonOf(err), err)
	}
	e.when = fi.ModTime()
	h := blake3.New(32, nil)
	data := io.TeeReader(f, h)
	t := d2d.New(d2d.Options{Sink: e, Quota: p.quota})
	if err := t.PerformBackup(p.ctx, a.Package, data, android.FlagNonIncremental); err != nil {
		if errors.Is(err, android.TransportQuotaExceeded) {
			return backup.Fail("back up", Kind, backup.OverQuota, err)
		}
		return err
	}
	if err := t.FinishBackup(p.ctx); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, data); err != nil { // what may follow the end
		return backup.Fail("read", Kind, backup.ReasonOf(err), err)
	}
	if setName(h) != e.set {
		p.agent.sets.forget(a.Name)
		return backup.Fail("read", Kind, backup.Changed, nil)
	}
	return nil
}

// sets remembers the digests of apps' records, from planning to listing, for
// files that have not changed in between. A file that changed and hides it is
// found when it was read. The zero value knows none.
type sets struct {
	mu    sync.Mutex
	known map[string]knownSet // by package; guarded by mu
}

type knownSet struct {
	file   os.FileInfo
	digest string
}

// digest returns the digest of the file f, which is left at its start.
func (s *sets) digest(pkg string, f *os.File, fi os.FileInfo) (string, error) {
	s.mu.Lock()
	k, ok := s.known[pkg]
	s.mu.Unlock()
	if ok && os.SameFile(k.file, fi) && k.file.Size() == fi.Size() && k.file.ModTime().Equal(fi.ModTime()) {
		return k.digest, nil
	}
	d, err := setDigest(f)
	if _, serr := f.Seek(0, io.SeekStart); err != nil || serr != nil {
		return "", cmp.Or(err, serr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]knownSet{}
	}
	s.known[pkg] = knownSet{fi, d}
	return d, nil
}

func (s *sets) forget(pkg string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, pkg)
}
