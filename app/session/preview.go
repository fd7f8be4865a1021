package session

import (
	"context"
	"sync"
	"time"

	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/wire"
)

// looks lets one preview be answered at a time: a new one ends the one before,
// which its asker has given up.
type looks struct {
	mu      sync.Mutex
	cancel  context.CancelFunc // ends the one under way; nil = none; guarded by mu
	over    chan struct{}      // closed when that one has ended; guarded by mu
	waiting bool               // another one waits for that; guarded by mu
}

// begin returns a preview's context, when the one before is over; false = another
// one waits for that already. done ends it.
func (l *looks) begin(ctx context.Context) (_ context.Context, done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting {
		return nil, nil, false
	}
	for l.cancel != nil {
		l.cancel()
		over := l.over
		l.waiting = true
		l.mu.Unlock()
		<-over
		l.mu.Lock()
		l.waiting = false
	}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	l.cancel, l.over = cancel, over
	return ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		cancel()
		l.cancel, l.over = nil, nil
		close(over)
	}, true
}

// end ends the preview under way, if there is one, and waits for that.
func (l *looks) end() {
	l.mu.Lock()
	over := l.over
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	if over != nil {
		<-over
	}
}

// preview tells a device that paired what would happen to what it has. It may
// begin its move for as long as if it had just paired.
func (r *receiving) preview(ctx context.Context, s *p2p.Stream) {
	peer := s.Link().Remote()
	if !r.mayLook(peer) {
		preview.Refuse(ctx, s.Control(), wire.StopUnpaired)
		return
	}
	looking, done, ok := r.looks.begin(ctx)
	if !ok {
		preview.Refuse(ctx, s.Control(), wire.StopBusy)
		return
	}
	defer done()
	if !r.mayLook(peer) { // its move has begun meanwhile
		preview.Refuse(ctx, s.Control(), wire.StopUnpaired)
		return
	}
	j, err := journal.Look(journalPath(r.opt.Home, r.opt.Place, peer), peer)
	if err == nil {
		defer j.Close()
	} else {
		j = nil // nothing came from it so far, or nobody knows
	}
	// Whatever goes wrong is the old phone's to see: nothing changes here.
	preview.Serve(looking, s.Control(), preview.Config{
		Agents: r.opt.Phone.Agents(), Free: r.opt.Phone.Free, Journal: j, Name: r.opt.Name, Version: Version,
	})
}

// mayLook reports whether a device has paired and not begun, and lets it go on so.
func (r *receiving) mayLook(peer identity.DeviceID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	when, ok := r.paired[peer]
	if !ok || r.busy || !r.trusts(when) {
		return false
	}
	r.paired[peer] = time.Now()
	return true
}
