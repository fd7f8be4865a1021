package apps

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

var errLooks = errors.New("it was only opened to look")

// looker is a restore that only says what it would do. It knows the app whose
// items it is asked about, and no other.
type looker struct {
	apps *os.Root // nil = there is none here

	mu   sync.Mutex
	pkg  string   // guarded by mu
	arr  *arrival // its records; guarded by mu
	news bool     // something of it is to come; guarded by mu
}

func (a *Agent) look() (*looker, error) {
	apps, err := a.root.OpenRoot(Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &looker{}, nil
	}
	if err != nil {
		return nil, backup.Fail("open", Kind, writeReason(err), err)
	}
	return &looker{apps: apps}, nil
}

// Check implements [backup.Checker]. An app of which every part is here unchanged
// is taken to be the same.
func (l *looker) Check(_ context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	pkg, rest, p, ok := splitKey(it.Key)
	switch {
	case it.Kind != Kind:
		return backup.Answer{Verdict: backup.Refuse, Err: backup.Fail("check", Kind, backup.Unsupported, nil)}
	case !ok || (it.Type == backup.TypeEntity) == (p == file):
		return backup.Answer{Verdict: backup.Refuse, Err: backup.Fail("check", Kind, backup.BadName, nil)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if pkg != l.pkg {
		l.pkg, l.arr, l.news = pkg, new(arrival), false
	}
	if l.apps != nil && l.has(it, rest, p, prior) {
		return backup.Answer{Verdict: backup.Have, Digest: it.Digest}
	}
	l.news = true
	return backup.Answer{Verdict: backup.Need}
}

// has reports whether a part is here. It is called with mu held.
func (l *looker) has(it backup.Item, rest string, p part, prior backup.Prior) bool {
	t := &target{apps: l.apps}
	switch {
	case p == wholeApp:
		_, err := l.apps.Lstat(l.pkg)
		return err == nil && !l.news
	case p == record:
		return it.Group != "" && it.Group == t.ownSet(l.pkg, l.arr)
	case prior.Digest.IsZero() || !fs.ValidPath(rest):
		return false
	}
	key := string(it.Key)
	if t.holds(key, it, prior.Stamp) {
		return true
	}
	if t.holds(path.Join(arrivingDir, key), it, prior.Stamp) { // it need not come, and is not in the app
		l.news = true
		return true
	}
	return false
}

// Stage implements [backup.Restore]. It fails.
func (*looker) Stage(context.Context, backup.Item) (backup.Staged, error) {
	return nil, backup.Fail("stage", Kind, backup.Unwritable, errLooks)
}

// Commit implements [backup.Restore]. Everything fails.
func (*looker) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	results := make([]backup.Result, len(batch))
	for i := range results {
		results[i] = failed(backup.Fail("commit", Kind, backup.Unwritable, errLooks))
	}
	return results
}

// Close implements [backup.Restore].
func (l *looker) Close() error {
	if l.apps == nil {
		return nil
	}
	return l.apps.Close()
}
