package contacts

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/mobile/backup"
)

// errLooks tells that a restore was opened only to be asked.
var errLooks = errors.New("it was only opened to look")

// looker is a restore that only says what it would do. It plans as the restore
// itself does: cards claim their slots, and nothing is written.
type looker struct{ r *restore }

var (
	_ backup.Checker  = looker{}
	_ backup.Foreseer = looker{}
)

// Check implements [backup.Checker].
func (l looker) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	return l.r.Check(ctx, it, p)
}

// Stage implements [backup.Restore].
func (l looker) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	return l.r.Stage(ctx, it)
}

// Commit implements [backup.Restore]. Everything fails.
func (l looker) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	results := make([]backup.Result, len(batch))
	for i := range results {
		results[i] = failed(backup.Fail("commit", Kind, backup.Unwritable, errLooks))
	}
	return results
}

// Close implements [backup.Restore].
func (l looker) Close() error { return l.r.Close() }

// Foresees implements [backup.Foreseer]: there is a card here.
func (l looker) Foresees() bool {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return len(l.r.match.slots) > 0
}

// Foresee implements [backup.Foreseer].
func (l looker) Foresee(ctx context.Context, batch []backup.Staged) []backup.Result {
	return l.r.settle(ctx, batch, l.r.imagine)
}

// imagine ends the jobs of a plan as apply would if all writing went well, and
// returns those whose file changed. A file that would be made stays one that is
// not there, and what would be written is dropped.
func (r *restore) imagine(ctx context.Context, jobs []job) (again []job) {
	if err := ctx.Err(); err != nil {
		r.fail(jobs, backup.Fail("commit", Kind, writeReason(err), err))
		return nil
	}
	seen := map[*file]bool{}
	for _, j := range jobs {
		f := j.file
		if f == nil {
			r.fail([]job{j}, backup.Fail("commit", Kind, backup.Unwritable, errNoPlace))
			continue
		}
		if !seen[f] {
			seen[f] = true
			f.stale = f.stale || !r.unchanged(f)
		}
		if f.stale {
			r.release(j)
			again = append(again, j)
			continue
		}
		*j.result = backup.Result{Outcome: j.outcome()}
		j.insert = nil
	}
	return again
}
