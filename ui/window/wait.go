package window

import "github.com/ferry-move/ferry/app/flow"

// wait shows the new phone's code.
type wait struct{ sheet }

func newWait(w *Window) screen { return &wait{w.sheet()} }

func (x *wait) show(flow.Snapshot) {}
