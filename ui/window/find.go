package window

import "github.com/ferry-move/ferry/app/flow"

// find is where new phones appear.
type find struct{ sheet }

func newFind(w *Window) screen { return &find{w.sheet()} }

func (x *find) show(flow.Snapshot) {}
