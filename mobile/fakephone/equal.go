package fakephone

import (
	"context"
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/mobile/backup"
)

// maxDifferences is how many differences an error of [Equal] lists.
const maxDifferences = 10

// Equal returns nil if got took in all that want holds and nothing else, and
// otherwise an error with the first differences. Of each item it compares key
// (its own or one beside it), type, size, mode, modification time to the
// nanosecond, and digest; of folders only key and type. What want cannot read
// must not have arrived; what got was made with may be there besides.
//
// The content of want's files is computed and hashed on the way.
func Equal(ctx context.Context, got, want *Device) error {
	var errs []error
	for _, w := range want.agents {
		g := got.agent(w.gen.kind.info.Kind)
		errs = append(errs, w.differences(ctx, g, maxDifferences-len(errs))...)
		if len(errs) >= maxDifferences {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

func (a *agent) differences(ctx context.Context, got *agent, limit int) (errs []error) {
	kind := a.gen.kind.info.Kind
	seen := make([]bool, got.store.len())
	differ := func(i int, what string) {
		if what != "" && len(errs) < limit {
			errs = append(errs, fmt.Errorf("%s: item %d: %s", kind, i, what))
		}
	}
	for p := range a.gen.len() {
		if ctx.Err() != nil || len(errs) >= limit {
			return errs
		}
		it, f := a.gen.at(p)
		if f != none || a.store.removed(it.Key) {
			continue
		}
		differ(p, got.compare(it, a.gen.digest(p, it), seen))
	}
	for i := range a.store.len() {
		if it, ok := a.store.item(kind, i); ok {
			a.store.mu.RLock()
			d := a.store.records[i].digest
			a.store.mu.RUnlock()
			differ(a.gen.len()+i, got.compare(it, d, seen))
		}
	}
	for i, ok := range seen {
		if _, here := got.store.item(kind, i); here && !ok {
			differ(got.gen.len()+i, "it came from nowhere")
		}
	}
	return errs
}

// compare says how what the phone has instead of it differs, and marks the
// record that it found in seen. Empty = it does not.
func (a *agent) compare(it backup.Item, d backup.Digest, seen []bool) string {
	want := newRecord(it.Key, it, d)
	differs := "it is missing"
	keys, all := a.variants(it)
	for i, key := range keys {
		if all[i].typ != it.Type {
			continue
		}
		here, at := a.record(key)
		switch {
		case it.Type == backup.TypeDirectory:
			differs = ""
		case all[i].size != it.Size:
			differs = "its size differs"
		case all[i].sum() != d:
			differs = "its content differs"
		case at >= 0 && (here.sec != want.sec || here.nsec != want.nsec):
			differs = "its modification time differs"
		case at >= 0 && here.mode != want.mode:
			differs = "its mode differs"
		default:
			differs = ""
		}
		if differs == "" {
			if at >= 0 && at < len(seen) {
				seen[at] = true
			}
			return ""
		}
	}
	return differs
}

// record returns what came in under key and its place, below 0 if nothing did.
func (a *agent) record(key backup.Key) (record, int) {
	a.store.mu.RLock()
	defer a.store.mu.RUnlock()
	if i, ok := a.store.index[key]; ok {
		return a.store.records[i], i
	}
	return record{}, -1
}
