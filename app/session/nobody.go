package session

import (
	"context"
	"slices"
	"time"

	"github.com/ferry-move/ferry/discovery"
)

// silence is how long it takes until it means anything that nobody is heard.
const silence = 8 * time.Second

// lookout knows why nobody may be found; a discovery.Browser is one.
type lookout interface {
	Diagnose() discovery.Diagnosis
	Close() error
}

const (
	// doubtEvery is how often it is looked why nobody is found, or comes.
	doubtEvery = time.Second
	// holdsMost is the most that another reason than was told must hold.
	holdsMost = 2 * time.Minute
)

// doubts decides when it is told why nobody is found, or comes: when that has been so
// for DiagnoseAfter, and again when the reason is another one, and has been for as
// long, and for twice as long each time after that. Networks that come and go fill
// nobody's screen. It belongs to one goroutine, which looks every doubtEvery.
type doubts struct {
	alone time.Time            // since when nobody is there
	told  *discovery.Diagnosis // nil = nothing since then
	holds time.Duration        // how long the next one must hold
	seen  discovery.Diagnosis  // the last one
	since time.Time            // when that was seen first
}

// news returns a diagnosis that is worth telling; false = it is that of before, or
// it is too early to tell.
func (d *doubts) news(now discovery.Diagnosis) (discovery.Diagnosis, bool) {
	at := time.Now()
	if !alike(d.seen, now) {
		d.seen, d.since = now, at
	}
	early := len(now.Findings) == 0 && now.Watched < silence
	switch {
	case early, at.Sub(d.alone) < DiagnoseAfter:
		return discovery.Diagnosis{}, false
	case d.told == nil:
		d.holds = DiagnoseAfter
	case alike(*d.told, now), at.Sub(d.since) < d.holds:
		return discovery.Diagnosis{}, false
	default:
		d.holds = min(2*d.holds, holdsMost)
	}
	d.told = &now
	return now, true
}

// somebody forgets what was told: somebody is there, or was until now.
func (d *doubts) somebody() { *d = doubts{alone: time.Now()} }

// alike reports whether two diagnoses say the same to a person.
func alike(a, b discovery.Diagnosis) bool {
	return slices.EqualFunc(a.Findings, b.Findings, func(x, y discovery.Finding) bool {
		return x.Cause == y.Cause && slices.Equal(x.Interfaces, y.Interfaces)
	})
}

// lookOut begins to listen for why nobody comes. The new phone is the one that is
// looked for: that it finds nobody is how it should be.
func (r *receiving) lookOut(ctx context.Context) lookout {
	if r.outlook == nil {
		return nobodyLooks{}
	}
	return r.outlook(ctx)
}

// nobodyLooks knows nothing.
type nobodyLooks struct{}

func (nobodyLooks) Diagnose() discovery.Diagnosis { return discovery.Diagnosis{} }
func (nobodyLooks) Close() error                  { return nil }

// doubt tells why nobody comes, unless somebody has.
func (r *receiving) doubt(now discovery.Diagnosis) {
	if r.awaits() {
		r.doubts.somebody()
		return
	}
	now.Findings = slices.DeleteFunc(slices.Clone(now.Findings), func(f discovery.Finding) bool { return f.Cause == discovery.NoAnswer })
	if now, ok := r.doubts.news(now); ok {
		r.events.tell(NobodyYet{Diagnosis: now})
	}
}

// awaits reports whether there is nobody to be missed: a device has proved the
// code and may begin its move, or has just tried one; or only a receipt may be
// asked for yet.
func (r *receiving) awaits() bool {
	if r.held != nil {
		return r.held.signed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.knocked.IsZero() && time.Since(r.knocked) < DiagnoseAfter {
		return true
	}
	for _, when := range r.paired {
		if r.trusts(when) {
			return true
		}
	}
	return false
}
