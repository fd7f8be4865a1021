package transfer

import (
	"context"
	"errors"
	"maps"

	"github.com/ferry-move/ferry/mobile/backup"
)

// maxExamples is how many items that cannot move a plan names, for each kind.
const maxExamples = 100

// KindPlan is what a phone has of one kind.
type KindPlan struct {
	Info  backup.Info
	Items uint64 // those that cannot move included, folders not
	// Folders are those that can be read.
	Folders uint64
	Bytes   uint64
	// Cannot counts the items that are known not to move, by reason.
	Cannot map[backup.Reason]uint64
	// Examples are the first of those.
	Examples []Failure
	// Err is why the whole kind cannot be read, or nil.
	Err error
}

// CannotTotal returns how many items are known not to move.
func (k KindPlan) CannotTotal() (n uint64) {
	for _, c := range k.Cannot {
		n += c
	}
	return n
}

// Failure is an item that was not, or cannot be, moved.
type Failure struct {
	Kind   backup.Kind
	Key    backup.Key
	Reason backup.Reason
}

// MakePlan counts what agents have. It reads no file's content, and holds no
// list of items. meter may be nil.
func MakePlan(ctx context.Context, agents []backup.Agent, t backup.Transport, meter *Meter) ([]KindPlan, error) {
	if meter == nil {
		meter = new(Meter)
	}
	meter.setPhase(PhasePlan)
	progress := make([]KindProgress, len(agents))
	plans := make([]KindPlan, len(agents))
	for i, a := range agents {
		p := &plans[i]
		*p = KindPlan{Info: a.Info(), Cannot: map[backup.Reason]uint64{}}
		progress[i].Kind = p.Info.Kind
		b, err := a.Backup(ctx, t)
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			p.Err = err
			continue
		}
		if c, ok := b.(backup.Counter); ok {
			p.Err = p.count(ctx, c)
		} else {
			p.walk(ctx, b, func() {
				progress[i].Items, progress[i].Bytes = p.Items, p.Bytes
				meter.setKinds(progress)
			})
		}
		err = b.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			p.Err = errors.Join(p.Err, err)
		}
		progress[i].Items, progress[i].Bytes = p.Items, p.Bytes
		meter.setKinds(progress)
	}
	return plans, nil
}

// count asks an agent that knows.
func (k *KindPlan) count(ctx context.Context, c backup.Counter) error {
	n, err := c.Count(ctx)
	if err != nil {
		return err
	}
	k.Items, k.Folders, k.Bytes = n.Items, n.Folders, n.Bytes
	maps.Copy(k.Cannot, n.Cannot)
	for _, f := range n.Examples[:min(len(n.Examples), maxExamples)] {
		k.Examples = append(k.Examples, Failure(f))
	}
	return nil
}

// walk counts what an agent lists. It calls progress now and then.
func (k *KindPlan) walk(ctx context.Context, b backup.Backup, progress func()) {
	for it, err := range b.Items(ctx) {
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil:
			k.Items++
			r := backup.ReasonOf(err)
			k.Cannot[r]++
			if len(k.Examples) < maxExamples {
				k.Examples = append(k.Examples, Failure{k.Info.Kind, it.Key, r})
			}
		case it.Type == backup.TypeDirectory:
			k.Folders++
		default:
			k.Items++
			k.Bytes += uint64(it.Size)
		}
		if r, ok := b.(backup.Releaser); ok && err == nil {
			r.Release(it)
		}
		if k.Items%1024 == 0 {
			progress()
		}
	}
}
