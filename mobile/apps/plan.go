package apps

import (
	"context"
	"io/fs"
	"iter"
	"path"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Plan says how one app would move.
type Plan struct {
	Package string
	// Version is the long version code; 0 where it is not known.
	Version int64
	// Form is how it moves: RestoreFull, RestoreKeyValue, or RestoreNone where
	// it does not, for Err.
	Form android.RestoreType
	Err  error
	// Items and Bytes move: files, folders and entities.
	Items, Bytes int64
	// LeftOut are the files that stay, by the app's rules or because they are
	// caches, and their bytes.
	LeftOut, LeftOutBytes int64
	// Quota is how many bytes one app may move.
	Quota int64
}

// Plans yields a plan for each app, in the order in which they move. It reads no
// content but of key/value data.
func (a *Agent) Plans(ctx context.Context) iter.Seq2[Plan, error] {
	return func(yield func(Plan, error) bool) {
		s, err := a.openSource(ctx, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
		if err != nil {
			yield(Plan{}, err)
			return
		}
		defer s.Close()
		p := Plan{Quota: s.quota}
		files := int64(0) // of those that move, and theirs of p.Bytes
		size := int64(0)
		for it, err := range s.Items(ctx) {
			pkg, _, what, ok := splitKey(it.Key)
			if what != wholeApp || !ok && err == nil {
				if err == nil {
					p.Items++
					p.Bytes += it.Size
					if it.Type == backup.TypeFile {
						files++
						size += it.Size
					}
				}
				continue
			}
			p.Package, p.Err = pkg, err
			if app, lerr := load(s.apps, pkg); lerr == nil {
				p.Version, p.Form = app.Version, app.form
			}
			all, bytes := s.extent(pkg, p.Form)
			if err != nil {
				p.Form, p.Items, p.Bytes, files, size = android.RestoreNone, 0, 0, 0, 0
			}
			p.LeftOut, p.LeftOutBytes = all-files, bytes-size
			if pkg != sharedName || err != nil {
				if !yield(p, nil) {
					return
				}
			}
			p, files, size = Plan{Quota: s.quota}, 0, 0
		}
	}
}

// extent counts the files in an app's folder, and their bytes.
func (s *source) extent(pkg string, form android.RestoreType) (n, size int64) {
	fs.WalkDir(s.apps.FS(), path.Clean(pkg), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || form == android.RestoreKeyValue && name == recordsPath(pkg) {
			return nil
		}
		if fi, err := d.Info(); err == nil {
			n++
			size += fi.Size()
		}
		return nil
	})
	return n, size
}
