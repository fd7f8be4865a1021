package files

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/mobile/backup"
)

var errLooks = errors.New("it was only opened to look")

// looker is a restore that only says what it would do. Names, sizes and times are
// all that it reads.
type looker struct{ w *writer }

// Check implements [backup.Checker].
func (l *looker) Check(ctx context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	w := l.w
	if err := w.begin(ctx); err != nil {
		return w.refuse(err)
	}
	defer w.end()
	key, err := w.admit(it)
	if err != nil {
		return w.refuse(err)
	}
	if it.Type != backup.TypeFile {
		return backup.Answer{Verdict: backup.Need}
	}
	if w.holds(it, prior) {
		return backup.Answer{Verdict: backup.Have, Digest: prior.Digest, Names: names(prior.Name)}
	}
	name, alike := l.place(it, key)
	a := backup.Answer{Verdict: backup.Need, Names: names(renamed(it, name))}
	if alike {
		a.Verdict = backup.Compare
	} else if !w.space.room(max(0, it.Size-prior.Left.Held)) {
		return w.refuse(backup.NoSpace)
	}
	return a
}

// place returns the name that an item would get: the first of its series that is
// free. alike tells that a file of its size has one of those before.
func (l *looker) place(it backup.Item, key string) (name string, alike bool) {
	above, base := splitKey(key)
	d, err := l.w.dst.open(above, false)
	if err != nil {
		return key, false // its folder is made, or Stage says what is wrong
	}
	defer l.w.dst.release(d)
	for _, f := range forms(base, l.w.opts.Profile) {
		for i := range maxBesideFile {
			name := numbered(f.name, i, f.limit)
			info, err := d.root.Lstat(name)
			switch {
			case nameRefused(err):
			case err != nil:
				return joinKey(d.key, name), alike
			default:
				alike = alike || i < maxCompare && info.Mode().IsRegular() && info.Size() == it.Size && !l.w.dst.isClaimed(d, name)
				continue
			}
			break
		}
	}
	return key, alike // every name is taken: Commit says so
}

// Stage implements [backup.Restore]. It fails.
func (l *looker) Stage(context.Context, backup.Item) (backup.Staged, error) {
	return nil, l.w.kind.failWrite("stage", errLooks)
}

// Commit implements [backup.Restore]. Everything fails.
func (l *looker) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	results := make([]backup.Result, len(batch))
	for i := range results {
		results[i] = backup.Result{Outcome: backup.Failed, Err: l.w.kind.failWrite("commit", errLooks)}
	}
	return results
}

// Close implements [backup.Restore].
func (l *looker) Close() error { return l.w.Close() }
