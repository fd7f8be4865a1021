package archived

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

// maxSet is the largest stream of records, in bytes, that is read before its
// first record is listed, so that they can say which set they belong to.
const maxSet = 16 << 20

var (
	errBroken = errors.New("nobody wants more")
	errDone   = errors.New("everything was listed")
)

// known returns an app of the first pass. Another one makes no sense.
func (c *census) known(name string, _ int64) (*app, error) {
	if a := c.byName[name]; a != nil {
		return a, nil
	}
	return nil, backup.Changed
}

// pass is one listing. It is owned by the goroutine that ranges over it.
type pass struct {
	*source
	ctx    context.Context
	cancel func()
	yield  func(backup.Item, error) bool
	total  int64 // to give
	given  int64
	broken bool
	last   backup.Key     // what was given last
	listed map[*app]int64 // of apps that are not closed; -1 = it was told that it does not move
}

// take lists what an event means for this kind.
func (p *pass) take(ev event) error {
	if ev.item.Kind != p.info.Kind {
		return nil
	}
	if ev.app != nil {
		if r := ev.app.fate(p.quota); r != 0 {
			return p.refuse(ev.app, r)
		}
	}
	switch {
	case ev.act == begins, ev.act == spoils:
		return nil
	case ev.reason != 0:
		return p.give(ev.item, backup.Fail("walk", p.info.Kind, ev.reason, nil))
	case ev.act == records && ev.app.form() == android.RestoreKeyValue:
		return p.records(ev)
	case ev.item.Type == backup.TypeFile:
		if err := p.file(ev); err != nil {
			return err
		}
	default:
		if err := p.give(ev.item, nil); err != nil {
			return err
		}
	}
	return p.listedOf(ev.app)
}

// give yields a pair.
func (p *pass) give(it backup.Item, err error) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.last = it.Key
	p.given++
	if !p.yield(it, err) {
		p.broken = true
		p.cancel() // also where no error can be returned
		return errBroken
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if p.given == p.total && !p.waits() {
		p.cancel()
		return errDone
	}
	return nil
}

// waits reports whether the listing waits for a large file.
func (p *pass) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live != nil
}

// refuse lists once that an app does not move.
func (p *pass) refuse(a *app, r backup.Reason) error {
	if p.listed[a] != 0 {
		return nil
	}
	p.listed[a] = -1
	return p.give(backup.Item{Kind: apps.Kind, Type: backup.TypeEntity, Key: backup.Key(a.name)}, backup.Fail("walk", apps.Kind, r, nil))
}

// listedOf counts what was listed of an app, and closes it behind the last.
func (p *pass) listedOf(a *app) error {
	if a == nil {
		return nil
	}
	n := p.listed[a] + 1
	p.listed[a] = n
	if t := a.whole(); n < t.items+t.folders {
		return nil
	}
	delete(p.listed, a)
	return p.give(a.closing(), nil)
}

// breakOff lists why the listing ends here: of each app that is not closed that it
// does not move, or else of what was given last.
func (p *pass) breakOff(err error) {
	told := false
	for _, a := range p.census.order {
		if p.listed[a] > 0 {
			told = true
			if !p.yield(backup.Item{Kind: apps.Kind, Type: backup.TypeEntity, Key: backup.Key(a.name)}, err) {
				return
			}
		}
	}
	if !told {
		p.yield(backup.Item{Kind: p.info.Kind, Type: backup.TypeFile, Key: p.last}, err)
	}
}

// file lists a file: with its content, or while its content waits.
func (p *pass) file(ev event) error {
	if ev.item.Size <= smallFile {
		return p.small(ev)
	}
	l := newLive(ev)
	p.setLive(l)
	defer p.setLive(nil)
	err := p.give(ev.item, nil)
	if err == nil {
		select {
		case <-l.done:
		case <-p.ctx.Done():
			err = context.Cause(p.ctx)
		}
	}
	if err == nil {
		l.detach(errOver)
		if p.given == p.total {
			return errDone
		}
		return nil
	}
	l.detach(err)
	return err
}

func (p *pass) setLive(l *live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = l
}

func (p *pass) small(ev event) error {
	data := make([]byte, ev.item.Size)
	if _, err := io.ReadFull(ev.entry, data); err != nil {
		return err
	}
	if err := p.dev.unchanged(); err != nil {
		return err
	}
	if err := p.hold(p.ctx, &held{ev.item, data}); err != nil {
		return err
	}
	return p.give(ev.item, nil)
}

// records lists the records of an app.
func (p *pass) records(ev event) error {
	var stream io.Reader = ev.entry
	group := ""
	if ev.item.Size <= maxSet {
		set, err := io.ReadAll(stream)
		if err != nil {
			return err
		}
		if group, err = apps.SetDigest(bytes.NewReader(set)); err != nil {
			return err
		}
		stream = bytes.NewReader(set)
	}
	r := newRecords(stream)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Deleted {
			continue
		}
		value, err := r.AppendData([]byte{}, backup.MaxValue)
		if err != nil {
			return err
		}
		it := backup.Item{
			Kind: apps.Kind, Type: backup.TypeEntity, Key: backup.Key(ev.app.name + ":" + string(h.Key)), Group: group, Value: value, Size: int64(len(value)),
		}
		if err := p.give(it, nil); err != nil {
			return err
		}
		if err := p.listedOf(ev.app); err != nil {
			return err
		}
	}
}
