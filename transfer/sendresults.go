package transfer

import (
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// wants notes that the receiver wants an item. It is called with mu held.
func (s *sender) wants(id uint64) (*outItem, error) {
	o := s.items.get(id)
	if o == nil || o.wanted || o.it.Type == backup.TypeDirectory {
		return nil, protocolError("it wants what is not on offer")
	}
	o.wanted = true
	return o, nil
}

func (s *sender) onWant(m *wire.Want) error {
	for _, w := range m.Wanted {
		s.mu.Lock()
		o, err := s.wants(w.ID)
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if len(w.Nodes) > 0 {
			nodes, err := tree.ParseNodes(w.Nodes, o.it.Size)
			if err != nil || o.it.Type != backup.TypeFile {
				return protocolError("it has more of an item than there is")
			}
			o.there = nodes
		}
		if backup.Verdict(w.Verdict) == backup.Compare {
			job := compareJob{o: o}
			for _, d := range w.Digests {
				job.digests = append(job.digests, backup.Digest(d))
			}
			s.compare.put(job)
		} else {
			s.read(o)
		}
	}
	return nil
}

func (s *sender) onNeed(m *wire.Need) error {
	var small []*outItem
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range m.Runs {
		for id := r.First; id < r.First+r.Count; id++ {
			o, err := s.wants(id)
			if err != nil {
				return err
			}
			if s.bundles(o) {
				small = append(small, o)
			} else {
				s.todo.put(o)
			}
		}
	}
	if len(small) > 0 {
		s.small.put(small...)
	}
	return nil
}

// read queues an item to be read.
func (s *sender) read(o *outItem) {
	if s.bundles(o) {
		s.small.put(o)
	} else {
		s.todo.put(o)
	}
}

// thereBytes is how many bytes of the item the receiver had before.
func (o *outItem) thereBytes() int64 { return tree.Covered(o.there) * wire.BlockSize }

func (s *sender) onResults(m *wire.Results) error {
	all := make([]ended, len(m.Results))
	for i, r := range m.Results {
		all[i] = ended{id: r.ID, out: backup.Outcome(r.Outcome), reason: backup.Reason(r.Reason), name: backup.Key(r.Name)}
		if len(r.Digest) > 0 {
			all[i].digest = backup.Digest(r.Digest)
		}
	}
	return s.onEnded(all, false)
}

func (s *sender) onDone(m *wire.Done) error {
	var all []ended
	for _, r := range m.Runs {
		for id := r.First; id < r.First+r.Count; id++ {
			if all = append(all, ended{id: id, out: backup.Outcome(r.Outcome)}); len(all) == wire.MaxBatch {
				if err := s.onEnded(all, true); err != nil {
					return err
				}
				all = all[:0]
			}
		}
	}
	return s.onEnded(all, true)
}

// onEnded takes results. ours tells that their content is what this side knows
// of; a receiver that has another has another root as well.
func (s *sender) onEnded(all []ended, ours bool) error {
	outs := make([]*outItem, 0, len(all))
	var back cost
	s.mu.Lock()
	for i := range all {
		o, err := s.end(&all[i], ours)
		if err != nil {
			s.mu.Unlock()
			return err
		}
		outs = append(outs, o)
		n, keys := s.led.add(all[i])
		back.items, back.keys = back.items+n, back.keys+keys
		if o.it.Type == backup.TypeEntity {
			back.values += int64(len(o.it.Value))
		}
		o.ended.Store(true)
	}
	s.checkDone()
	s.mu.Unlock()
	for _, o := range outs {
		s.release(o)
	}
	s.telling.Lock()
	for i := range all {
		tellItem(s.cfg.Observer, s.cfg.Verify, &all[i])
	}
	s.telling.Unlock()
	s.credit.give(back)
	return nil
}

// end completes a result by what is known of its item, which leaves the window.
// It is called with mu held.
func (s *sender) end(e *ended, ours bool) (*outItem, error) {
	o := s.items.get(e.id)
	if o == nil {
		return nil, protocolError("a result for no item")
	}
	s.items.del(e.id)
	e.kind, e.it = o.kind, o.it
	e.it.Value = nil
	if ours && o.it.Type != backup.TypeDirectory {
		e.digest = o.digest
	}
	moved := e.out == backup.Added || e.out == backup.Merged
	if o.it.Type != backup.TypeDirectory && (moved && (!o.sent || e.digest != o.digest) ||
		e.out == backup.Skipped && (e.digest.IsZero() || o.it.Type == backup.TypeFile && !o.digest.IsZero() && e.digest != o.digest)) {
		return nil, protocolError("it acknowledges content that it does not have")
	}
	s.meter.ended(o.kind, o.it, o.moved, e.out == backup.Failed)
	return o, nil
}

// release tells an agent that nothing more of an item is wanted.
func (s *sender) release(o *outItem) {
	if r, ok := s.backups[o.kind].(backup.Releaser); ok && !o.unlisted {
		r.Release(o.it)
	}
}

// checkDone closes allDone when everything listed has its result. It is called
// with mu held.
func (s *sender) checkDone() {
	if s.listEnd && s.led.complete(s.listed) {
		select {
		case <-s.allDone:
		default:
			close(s.allDone)
		}
	}
}

func keyCost(it backup.Item) int64 { return int64(len(it.Key)+len(it.Group)) + 1 }
