package window

import "github.com/ferry-move/ferry/app/flow"

// done says how the move ended.
type done struct{ sheet }

func newDone(w *Window) screen { return &done{w.sheet()} }

func (x *done) show(flow.Snapshot) {}
