package contacts

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"lukechampine.com/blake3"

	"github.com/ferry-move/ferry/mobile/backup"
)

// maxTries is how often a batch is matched anew because a file keeps changing.
const maxTries = 5

func digestOf(b []byte) backup.Digest { return blake3.Sum256(b) }

// job is one item of a batch.
type job struct {
	*incoming
	result *backup.Result
}

// Commit implements [backup.Restore]. Each file that the batch touches is
// written once.
func (r *restore) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	return r.settle(ctx, batch, r.apply)
}

// settle plans a batch and carries it out, and does so again for the jobs that
// are given back because their file changed.
func (r *restore) settle(ctx context.Context, batch []backup.Staged, carryOut func(context.Context, []job) []job) []backup.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	results := make([]backup.Result, len(batch))
	jobs := make([]job, 0, len(batch))
	for i, s := range batch {
		in, ok := s.(*incoming)
		switch {
		case !ok:
			results[i] = failed(backup.Fail("commit", Kind, backup.Unknown, errForeign))
		case r.closed:
			results[i] = failed(backup.Fail("commit", Kind, backup.Unknown, fs.ErrClosed))
		default:
			jobs = append(jobs, job{in, &results[i]})
		}
	}
	for try := 0; len(jobs) > 0; try++ {
		if err := ctx.Err(); err != nil || try == maxTries {
			if err == nil {
				err = backup.Changed
			}
			r.fail(jobs, backup.Fail("commit", Kind, writeReason(err), err))
			break
		}
		r.plan(ctx, jobs)
		jobs = carryOut(ctx, jobs)
	}
	return results
}

func failed(err error) backup.Result { return backup.Result{Outcome: backup.Failed, Err: err} }

// fail ends jobs with err and gives their slots back.
func (r *restore) fail(jobs []job, err error) {
	for _, j := range jobs {
		r.release(j)
		*j.result = failed(err)
	}
}

func (r *restore) release(j job) {
	if j.slot != nobody {
		r.match.release(j.slot, &j.features)
	}
	j.slot, j.file, j.insert, j.merged = nobody, nil, nil, false
}

// plan finds for each job the slot or the file that it goes to: every rule for
// all of them before the next rule.
func (r *restore) plan(ctx context.Context, jobs []job) {
	for _, f := range r.files {
		if f.stale {
			r.rescan(ctx, f)
		}
	}
	rules := []func(*incoming) int32{r.given, r.identical, r.equal, r.contained, r.sameUID, r.samePerson}
	for _, rule := range rules {
		for _, j := range jobs {
			if ctx.Err() != nil {
				return
			}
			if j.slot != nobody {
				continue
			}
			if j.slot = rule(j.incoming); j.slot != nobody {
				j.file = r.match.slots[j.slot].file
			}
		}
	}
	for _, j := range jobs {
		if j.slot == nobody {
			j.file = r.place(ctx, j.incoming)
		}
	}
}

// given is the slot that Check answered with.
func (r *restore) given(in *incoming) int32 {
	key := r.match.hash.sum("item", string(in.item.Key))
	id, ok := r.have[key]
	if !ok {
		return nobody
	}
	delete(r.have, key)
	if s := &r.match.slots[id]; s.state != claimed || s.digest != in.features.digest {
		return nobody
	}
	return id
}

func (r *restore) identical(in *incoming) int32 {
	return r.take(r.match.exact(in.features.digest), nil)
}

func (r *restore) equal(in *incoming) int32 {
	return r.take(r.match.equal(in.features.set), nil)
}

func (r *restore) take(id int32, others []int32) int32 {
	if id != nobody {
		r.match.claim(id, others)
	}
	return id
}

// contained finds a slot that holds all of the card already. If every such
// slot is taken, one is freed if the card that has it could as well have
// another.
func (r *restore) contained(in *incoming) int32 {
	keys := slices.Concat(in.features.uids, in.features.persons)
	if !r.match.knows(keys) {
		return nobody
	}
	own, err := parseCard(in.item.Value)
	if err != nil {
		return nobody
	}
	look := func(ids []int32, seen map[int32]bool) (fits []int32) {
		for _, id := range ids {
			if seen[id] || len(seen) >= 4*maxCandidates {
				continue
			}
			seen[id] = true
			if _, c, ok := r.candidate(id, in); ok && len(c.contents().missing(own)) == 0 {
				fits = append(fits, id)
			}
		}
		return fits
	}
	seen := map[int32]bool{}
	var fits, taken []int32
	for _, k := range keys {
		fits = append(fits, look(r.match.freeIn(k, func(*slot) bool { return true }), seen)...)
	}
	for _, k := range keys {
		taken = append(taken, look(r.match.takenIn(k), seen)...)
	}
	if len(fits) > 0 {
		return r.take(fits[0], append(fits[1:], taken...))
	}
	id := r.match.steal(taken, map[int32]bool{})
	var others []int32
	for _, t := range taken {
		if t != id {
			others = append(others, t)
		}
	}
	return r.take(id, others)
}

// candidate reads a slot's card if that may be the same contact as in. A file
// that is not as it was is noted, to be read again.
func (r *restore) candidate(id int32, in *incoming) ([]byte, *card, bool) {
	f := r.match.slots[id].file
	if f.stale {
		return nil, nil, false
	}
	raw, c, err := r.load(id)
	if err != nil {
		f.stale = true
		return nil, nil, false
	}
	ft := r.match.hash.features(c, raw)
	return raw, c, in.features.sameUID(&ft) || in.features.samePerson(&ft)
}

func (r *restore) sameUID(in *incoming) int32 {
	return r.merge(in, in.features.uids, (*features).sameUID)
}

func (r *restore) samePerson(in *incoming) int32 {
	return r.merge(in, in.features.persons, (*features).samePerson)
}

// merge finds a free slot that same accepts, and what the card adds to it.
func (r *restore) merge(in *incoming, keys []uint64, same func(_, _ *features) bool) int32 {
	for _, k := range keys {
		for _, id := range r.match.freeIn(k, func(*slot) bool { return true }) {
			raw, to, ok := r.candidate(id, in)
			if !ok {
				continue
			}
			if ft := r.match.hash.features(to, raw); !same(&in.features, &ft) {
				continue
			}
			from, err := parseCard(in.item.Value)
			if err != nil {
				return nobody
			}
			insert := merge(to, from)
			if len(raw)+len(insert) > backup.MaxValue {
				continue // it could never move again
			}
			in.insert, in.merged = insert, len(insert) > 0
			in.at = r.match.slots[id].at + int64(to.endAt)
			return r.take(id, nil)
		}
	}
	return nobody
}

// place finds the file that a new card goes to: its own, or one beside it if
// that cannot be written behind. It returns nil if there is none.
func (r *restore) place(ctx context.Context, in *incoming) *file {
	enc := sniff(in.item.Value)
	for _, name := range []string{in.group, defaultFile} {
		base := strings.TrimSuffix(name, path.Ext(name))
		for n := 1; n < 10; n++ {
			if n > 1 {
				name = base + "-" + strconv.Itoa(n) + path.Ext(in.group)
			}
			f := r.files[name]
			if f == nil {
				if !r.reachable(name) {
					break
				}
				f = &file{name: name}
				r.scan(ctx, f)
				r.files[name] = f
			}
			empty := f.info == nil || f.info.Size() == 0
			if f.clean && (empty || f.enc == enc) {
				if empty {
					f.enc = enc
				}
				return f
			}
		}
	}
	return nil
}

// reachable reports whether the folders of a file are folders or can be made.
func (r *restore) reachable(name string) bool {
	full := path.Join(Folder, name)
	for i := range len(full) {
		if full[i] != '/' {
			continue
		}
		info, err := r.root.Lstat(full[:i])
		if err != nil {
			return true // it is not there, or writing will say why
		}
		if !info.IsDir() {
			return false
		}
	}
	return true
}
