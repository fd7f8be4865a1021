package preview

import (
	"errors"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// record is a record that was listed. Its value is read again if it is asked for.
type record struct {
	id     uint64
	size   int64
	digest backup.Digest
	wanted bool
}

// asked is what the new phone has asked for.
type asked struct {
	at    int // in records; those before are behind its last question
	count uint64
	bytes int64
	over  bool // it asks for no more
}

// asks takes a question in. It is about records that were listed, in their order.
func (a *asker) asks(m *wire.Need) error {
	q := &a.asked
	if q.over {
		return protocolError("it asks again")
	}
	for _, run := range m.Runs {
		for id := run.First; id < run.First+run.Count; id++ {
			for q.at < len(a.records) && a.records[q.at].id < id {
				q.at++
			}
			if q.at == len(a.records) || a.records[q.at].id != id {
				return protocolError("it asks for what is no record, or out of order")
			}
			r := &a.records[q.at]
			r.wanted = true
			q.at, q.count, q.bytes = q.at+1, q.count+1, q.bytes+r.size
			if q.bytes > MaxContents {
				return protocolError("it asks for more than %d bytes", MaxContents)
			}
		}
	}
	return nil
}

// question ends a question.
func (a *asker) question(m *wire.End) error {
	if a.asked.over || m.Items != a.asked.count || m.Items == 0 {
		return protocolError("the question's end does not fit")
	}
	if err := a.over(); err != nil {
		return err
	}
	a.asked.over = true
	a.ending.Store(false)
	return nil
}

// contents says what was asked for.
func (a *asker) contents() error {
	left := a.records[:a.asked.at]
	for i := range a.kinds {
		k := &a.kinds[i]
		n := 0
		for n < len(left) && left[n].id < k.first+k.items {
			n++
		}
		if err := a.again(a.agents[i], k.first, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	a.ending.Store(true)
	return a.send()
}

// again reads a kind a second time, up to the last of rs that is wanted. Its first
// item was listed as id. What is not as it was listed is gone.
func (a *asker) again(g backup.Agent, id uint64, rs []record) (err error) {
	for len(rs) > 0 && !rs[len(rs)-1].wanted {
		rs = rs[:len(rs)-1]
	}
	if len(rs) == 0 {
		return nil
	}
	b, err := g.Backup(a.ctx, a.tr)
	if err != nil {
		return a.gone(rs)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	release := func(backup.Item) {}
	if r, ok := b.(backup.Releaser); ok {
		release = r.Release
	}
	for it, ierr := range b.Items(a.ctx) {
		if a.ctx.Err() != nil {
			return a.why(nil)
		}
		if ierr != nil {
			continue
		}
		if _, ok := takes(it); ok && it.Type != backup.TypeDirectory {
			if id == rs[0].id {
				err = a.value(&rs[0], it)
				rs = rs[1:]
			}
			id++
		}
		release(it)
		if err != nil || len(rs) == 0 {
			return err
		}
	}
	return a.gone(rs)
}

// gone says of records that they are not what was listed any more.
func (a *asker) gone(rs []record) error {
	for i := range rs {
		if err := a.value(&rs[i], backup.Item{}); err != nil {
			return err
		}
	}
	return nil
}

// value says a record's value, if it is wanted, and that it is gone if it is no
// longer the one that was listed.
func (a *asker) value(r *record, it backup.Item) error {
	if !r.wanted {
		return nil
	}
	v := it.Value
	if it.Type != backup.TypeEntity || int64(len(v)) != r.size || blake3.Sum256(v) != r.digest {
		v = nil
	}
	for {
		n := min(len(v), wire.BlockSize)
		if a.held+n > contentBytes || len(a.pieces) == wire.MaxPieces {
			if err := a.send(); err != nil {
				return err
			}
		}
		a.pieces = append(a.pieces, wire.Piece{Item: r.id, Data: v[:n]})
		a.held += n
		if v = v[n:]; len(v) == 0 {
			return nil
		}
	}
}

// send sends what has gathered of values.
func (a *asker) send() error {
	err := a.write(&wire.Content{Pieces: a.pieces})
	clear(a.pieces)
	a.pieces, a.held = a.pieces[:0], 0
	return err
}
