package local

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// limits are those of the format itself; the quota is what bounds an app.
var limits = entity.Limits{Data: math.MaxInt32}

// PerformBackup implements [android.Transport]. The quota counts the bytes of
// all values as they are after the pass. A stream that makes no sense is
// answered with [android.TransportPackageRejected]; a stored set that cannot be
// read, with [android.TransportNonIncrementalBackupRequired].
func (t *Transport) PerformBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	const op = "take entities"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	t.drop()
	if flags&android.FlagDataNotChanged != 0 {
		return nil
	}
	switch {
	case pkg.Name == "":
		return fail(op, android.TransportPackageRejected, errName)
	case data == nil:
		return fail(op, android.TransportError, errEmpty)
	}
	was, _, err := t.f.current(pkg.Name)
	if err != nil {
		return fail(op, android.TransportError, err)
	}
	has := was.form == entities
	if !has && flags&android.FlagIncremental != 0 {
		return android.TransportNonIncrementalBackupRequired
	}
	m := merger{ctx: ctx, f: t.f, batch: t.batch, quota: t.Quota(pkg.Name, false)}
	if has && flags&android.FlagNonIncremental == 0 {
		if m.base, err = t.f.open(pkg.Name, was); err != nil {
			return fail(op, android.TransportNonIncrementalBackupRequired, err)
		}
		defer m.base.Close()
	}
	part, err := m.merge(data)
	if errors.Is(err, android.TransportQuotaExceeded) {
		return err
	}
	if err != nil {
		return fail(op, answer(err), err)
	}
	t.pass = &pass{pkg: pkg.Name, form: entities, part: part}
	return nil
}

// The side on which a merge failed.
type (
	inputError struct{ error } // what the agent wrote
	baseError  struct{ error } // what is stored
)

func (e inputError) Unwrap() error { return e.error }
func (e baseError) Unwrap() error  { return e.error }

func answer(err error) android.Code {
	if _, ok := errors.AsType[baseError](err); ok {
		return android.TransportNonIncrementalBackupRequired
	}
	if in, ok := errors.AsType[inputError](err); ok {
		if _, ok := errors.AsType[*entity.DamageError](in.error); ok {
			return android.TransportPackageRejected
		}
	}
	return android.TransportError
}

// merger makes a complete set out of the stored one and what an agent wrote.
type merger struct {
	ctx   context.Context
	f     *folder
	batch int64   // bytes
	base  *stored // nil = there is none, or it does not count
	quota int64
}

// merge returns the new set. Nothing is left of it if that fails.
func (m *merger) merge(data io.Reader) (*part, error) {
	s := sorter{ctx: m.ctx, f: m.f, batch: m.batch}
	defer func() { s.discard() }()
	if err := s.read(entity.NewReader(ctxReader{m.ctx, data}, limits)); err != nil {
		return nil, err
	}
	if m.base == nil && len(s.runs) == 1 && !s.runs[0].deletes { // it is the set already
		r := s.runs[0]
		if r.values > m.quota {
			return nil, android.TransportQuotaExceeded
		}
		s.runs = nil
		return r.part, nil
	}
	var from []*source
	if m.base != nil {
		from = append(from, &source{r: entity.NewReader(m.base, limits), base: true})
	}
	out, err := s.create(0)
	if err != nil {
		return nil, err
	}
	if err := s.combine(from, s.runs, out, m.quota, false); err != nil {
		out.part.discard()
		return nil, err
	}
	return out.part, nil
}
