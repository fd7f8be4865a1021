package window

import (
	"context"

	"github.com/ferry-move/ferry/app/settings"
)

// beside does work that may take its time, and then, on the goroutine that draws,
// what it returned; nothing if ctx has ended by then.
func (w *Window) beside(ctx context.Context, work func(context.Context) func()) {
	w.jobs.Go(func() {
		then := work(ctx)
		w.do(func() {
			if ctx.Err() == nil {
				w.on(then)()
			}
		})
	})
}

// save changes the settings; then gets what became of it. Changes are saved in
// their order.
func (w *Window) save(change func(*settings.Settings), then func(error)) {
	before, saved := w.saving, make(chan struct{})
	w.saving = saved
	w.beside(w.ctx, func(context.Context) func() {
		defer close(saved)
		if before != nil {
			<-before
		}
		err := w.store.Update(change)
		return func() { then(err) }
	})
}
