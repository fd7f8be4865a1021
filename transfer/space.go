package transfer

import (
	"sync"
	"time"
)

// spaceGap is the least time from one word about a full disk to the next, but for
// the last of a session: at most ten come within a second.
const spaceGap = 125 * time.Millisecond

// space is what is known of a full disk on the new phone.
type space struct {
	missing int64 // bytes; 0 = nothing is waited for
	of      Shortage
}

// spaceNews tells an observer what space is waited for: at once, and then at most
// ten times a second, however often a disk is full and is not, or the other side
// says so. Of what changes faster the last counts, and is always told.
type spaceNews struct {
	meter    *Meter
	observer SpaceObserver // nil = nobody listens
	telling  *sync.Mutex   // held while the observer is called

	changed chan struct{} // holds a token when there may be news
	over    chan struct{} // closed by close
	run     sync.WaitGroup
	told    space // owned by follow

	mu  sync.Mutex
	now space // guarded by mu
}

// newSpaceNews begins to tell; telling is held while o is called. The caller closes
// it.
func newSpaceNews(m *Meter, o Observer, telling *sync.Mutex) *spaceNews {
	n := &spaceNews{meter: m, telling: telling, changed: make(chan struct{}, 1), over: make(chan struct{})}
	n.observer, _ = o.(SpaceObserver)
	n.run.Go(n.follow)
	return n
}

// set notes what is missing, which a meter shows at once.
func (n *spaceNews) set(missing int64, of Shortage) {
	if missing == 0 {
		of = ShortSpace // of nothing
	}
	n.mu.Lock()
	n.now = space{missing, of}
	n.meter.short.Store(uint32(of))
	n.meter.missing.Store(missing)
	n.mu.Unlock()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// follow tells what is new until close.
func (n *spaceNews) follow() {
	for !closed(n.over) {
		select {
		case <-n.changed:
		case <-n.over:
		}
		n.tell()
		select {
		case <-time.After(spaceGap):
		case <-n.over:
		}
	}
	n.tell()
}

func (n *spaceNews) tell() {
	n.mu.Lock()
	now := n.now
	n.mu.Unlock()
	if now == n.told {
		return
	}
	n.told = now
	if n.observer != nil {
		n.telling.Lock()
		defer n.telling.Unlock()
		n.observer.Waiting(now.missing, now.of)
	}
}

// close tells what is not told yet, and ends.
func (n *spaceNews) close() {
	close(n.over)
	n.run.Wait()
}
