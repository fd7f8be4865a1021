package window

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestScreensAreLeft: a screen that was opened and left many times leaves no goroutine
// and no memory behind.
func TestScreensAreLeft(t *testing.T) {
	const times = 200
	if testing.Short() {
		t.Skip("it opens each screen two hundred times")
	}
	begin := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // of all scenes: the toolkit's clock goes one way
	for _, c := range scenes(t) {
		synctest.Test(t, func(t *testing.T) {
			f := newStage(t, c)
			live := func() (int, uint64) {
				begin = begin.Add(time.Hour)
				time.Sleep(time.Until(begin)) // what the toolkit holds for its next frame goes by the clock
				f.win.Canvas().Capture()
				synctest.Wait()
				runtime.GC()
				runtime.GC() // what finalizers let go
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return runtime.NumGoroutine(), m.HeapAlloc
			}
			turns := func(n int) {
				for range n {
					f.enter(c)
					f.exit()
				}
				f.app.(*opener).opened = nil
			}
			turns(2)
			before, held := live()
			turns(times)
			after, holds := live()
			if after > before {
				t.Errorf("%s: %d goroutines, and then %d", c.name, before, after)
			}
			if holds > held+1_000_000 { // ten screens
				t.Errorf("%s: %d kB are held, and then %d", c.name, held/1000, holds/1000)
			}
		})
	}
}
