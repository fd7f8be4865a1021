package window

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestScreensAreLeft: screens that were opened and left many times leave no goroutine
// and no memory behind.
func TestScreensAreLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens each screen many times")
	}
	all := scenes(t)
	synctest.Test(t, func(t *testing.T) {
		f := newStage(t, scene{home: (*kept).some})
		turns := func(c scene, n int) int {
			for range n {
				f.enter(c)
				f.exit()
			}
			f.app.(*opener).opened = nil
			time.Sleep(time.Hour) // the toolkit lets go of what was not drawn for a minute
			f.win.Canvas().Capture()
			synctest.Wait()
			return runtime.NumGoroutine()
		}
		live := func() uint64 {
			runtime.GC()
			runtime.GC() // what finalizers let go
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		time.Sleep(100 * 365 * 24 * time.Hour) // past what other tests drew
		for _, c := range all {
			turns(c, 2)
		}
		before := live()
		for _, c := range all {
			began := turns(c, 1)
			if ended := turns(c, 39); ended > began {
				t.Errorf("%s: %d goroutines, and then %d", c.name, began, ended)
			}
		}
		if after := live(); after > before+200_000 { // one small page that stays each time is more
			t.Errorf("%d kB are held, and then %d", before/1000, after/1000)
		}
	})
}
