package window

import "github.com/ferry-move/ferry/app/flow"

// problem says why it broke off.
type problem struct{ sheet }

func newProblem(w *Window) screen { return &problem{w.sheet()} }

func (x *problem) show(flow.Snapshot) {}
