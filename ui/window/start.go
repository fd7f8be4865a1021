package window

import "github.com/ferry-move/ferry/app/flow"

// start is where a person says which phone this is.
type start struct{ sheet }

func newStart(w *Window) screen { return &start{w.sheet()} }

func (x *start) show(flow.Snapshot) {}
