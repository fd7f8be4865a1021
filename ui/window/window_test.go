package window

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
)

// counting is a screen that counts.
type counting struct {
	sheet
	shown, left int
	tick        bool
}

func (x *counting) show(flow.Snapshot) { x.shown++ }
func (x *counting) leave()             { x.left++ }
func (x *counting) ticking() bool      { return x.tick }

func at(screen flow.Screen, version uint64) flow.Snapshot {
	return flow.Snapshot{Screen: screen, Version: version, Role: flow.OldPhone}
}

// A screen stays while the flow is at it, and goes with what is over it when the
// flow goes on.
func TestStations(t *testing.T) {
	f := newFace(t, at(flow.What, 1))
	base := f.top()
	var over []*counting
	push := func() {
		f.push(func() screen {
			x := &counting{sheet: f.sheet()}
			over = append(over, x)
			return x
		})
	}
	push()
	push()
	f.see(at(flow.Previewing, 2)) // what was chosen stays on the screen
	if f.base.screen != base || len(f.over) != 2 || over[1].shown != 2 || over[0].shown != 1 {
		t.Errorf("%T, %d over it, shown %d and %d times", f.base.screen, len(f.over), over[0].shown, over[1].shown)
	}
	f.back()
	if over[1].left != 1 || f.top() != screen(over[0]) || over[0].shown != 2 {
		t.Errorf("left %d times, and %T is seen", over[1].left, f.top())
	}
	f.see(at(flow.Moving, 3))
	if over[0].left != 1 || over[1].left != 1 || len(f.over) != 0 {
		t.Errorf("left %d and %d times", over[0].left, over[1].left)
	}
	base = f.top()
	f.see(at(flow.Verifying, 4))
	if f.top() != base {
		t.Error("verifying is another screen than moving")
	}
	f.see(at(flow.Done, 5))
	if f.top() == base {
		t.Error("the end is the same screen as the move")
	}
	other := at(flow.Done, 6)
	other.Role = flow.NewPhone
	base = f.top()
	f.see(other)
	if f.top() == base {
		t.Error("the other role has the same screen")
	}
	f.see(flow.Snapshot{Screen: flow.Asking, Version: 7, Offer: &flow.Offer{}})
	base = f.top()
	f.see(flow.Snapshot{Screen: flow.Asking, Version: 8, Offer: &flow.Offer{}})
	if f.top() == base {
		t.Error("another offer has the same screen")
	}
}

// Back at the bottom does nothing.
func TestBackAtTheBottom(t *testing.T) {
	f := newFace(t, at(flow.Find, 1))
	base := f.top()
	f.back()
	if f.top() != base {
		t.Errorf("%T", f.top())
	}
}

// In other words, every screen is made anew and in its place.
func TestAgainKeepsTheStack(t *testing.T) {
	f := newFace(t, at(flow.Find, 1))
	base, made := f.top(), []*counting{}
	for range 2 {
		f.push(func() screen {
			x := &counting{sheet: f.sheet()}
			made = append(made, x)
			return x
		})
	}
	if err := f.store.Update(func(s *settings.Settings) { s.Language, s.Name = "de", "Telefon" }); err != nil {
		t.Fatal(err)
	}
	f.again()
	f.wanted(`prefer "Telefon" false`)
	if len(f.over) != 2 || len(made) != 4 || f.over[0].screen != screen(made[2]) || f.top() != screen(made[3]) || f.base.screen == base {
		t.Fatalf("%d over it, %d made", len(f.over), len(made))
	}
	if made[0].left != 1 || made[1].left != 1 || made[2].left != 0 || made[3].shown != 1 {
		t.Errorf("%+v", made)
	}
	if got := f.words.Count(1000); got != "1.000" {
		t.Errorf("%s", got)
	}
	f.back()
	f.back()
	if _, ok := f.top().(*find); !ok {
		t.Errorf("%T", f.top())
	}
}

// versions is a flow whose version another goroutine changes.
type versions struct {
	model
	version, asked atomic.Uint64
}

func (v *versions) Snapshot() flow.Snapshot {
	v.asked.Add(1)
	return flow.Snapshot{Screen: flow.Moving, Version: v.version.Load()}
}

// running runs a window in virtual time. What is to be drawn waits in queue.
func running(t *testing.T, do func(f *face, v *versions, queue chan func())) {
	synctest.Test(t, func(t *testing.T) {
		f := newFace(t, flow.Snapshot{Screen: flow.Moving})
		v := &versions{model: f.flow}
		f.flow = v
		queue := make(chan func(), 1000)
		f.do = func(draw func()) { queue <- draw }
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.Run(ctx)
		}()
		do(f, v, queue)
		stop()
		<-ended
	})
}

// However often the flow changes, one draw waits, and there are ten a second at
// the most.
func TestRunFlood(t *testing.T) {
	running(t, func(f *face, v *versions, queue chan func()) {
		drawn := 0
		for range 10_000 { // changes, for ten seconds
			time.Sleep(time.Millisecond)
			v.version.Add(10)
			if n := len(queue); n > 1 {
				t.Fatalf("%d draws are queued", n)
			}
			select {
			case draw := <-queue:
				drawn++
				draw()
			default:
			}
		}
		if drawn < 90 || drawn > 101 {
			t.Errorf("%d draws in ten seconds", drawn)
		}
		v.version.Add(1)
		time.Sleep(time.Minute) // and a face that does not draw at all
		if n := len(queue); n != 1 {
			t.Errorf("%d draws are queued", n)
		}
		(<-queue)()
		time.Sleep(time.Second)
		if f.seen.Load() != v.version.Load() || len(queue) != 0 {
			t.Errorf("version %d was drawn last, of %d", f.seen.Load(), v.version.Load())
		}
	})
}

// Nothing is drawn while nothing changes.
func TestRunIdle(t *testing.T) {
	running(t, func(f *face, v *versions, queue chan func()) {
		time.Sleep(time.Hour)
		if n := len(queue); n != 0 {
			t.Errorf("%d draws", n)
		}
		if n := v.asked.Load(); n < 35_000 {
			t.Errorf("the flow was asked %d times", n)
		}
	})
}

// A screen that says how long ago something was is shown each second.
func TestRunTicking(t *testing.T) {
	running(t, func(f *face, v *versions, queue chan func()) {
		x := &counting{sheet: f.sheet(), tick: true}
		f.push(func() screen { return x })
		drain := func() (n int) {
			for range 600 {
				time.Sleep(100 * time.Millisecond)
				select {
				case draw := <-queue:
					n++
					draw()
				default:
				}
			}
			return n
		}
		if n := drain(); n < 59 || n > 61 || x.shown < n {
			t.Errorf("%d draws in a minute, shown %d times", n, x.shown)
		}
		x.tick = false
		f.draw()
		if n := drain(); n > 1 {
			t.Errorf("%d draws of what does not change", n)
		}
		x.tick = true
		f.draw()
		f.back()
		if n := drain(); n > 1 {
			t.Errorf("%d draws when it is not seen any more", n)
		}
	})
}

// The window ends when what is under way beside it has.
func TestCloseWaits(t *testing.T) {
	f := newFace(t, at(flow.Start, 1))
	q := f.queue()
	began, saved := make(chan struct{}), false
	f.beside(f.ctx, func(ctx context.Context) func() {
		close(began)
		<-ctx.Done()
		saved = true
		return func() { t.Error("it is drawn after the end") }
	})
	<-began
	f.Close()
	if !saved {
		t.Error("something is under way")
	}
	f.settle(q)
	f.wanted("close")
}

// A change of the settings waits for the one before it.
func TestSaveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFace(t, at(flow.Start, 1))
		q := f.queue()
		before, changed := make(chan struct{}), false
		f.saving = before
		f.save(func(*settings.Settings) { changed = true }, func(error) {})
		synctest.Wait()
		if changed {
			t.Error("it did not wait")
		}
		close(before)
		f.settle(q)
		if !changed {
			t.Error("nothing was changed")
		}
	})
}
