package window

import "github.com/ferry-move/ferry/app/flow"

// moving shows how the move goes.
type moving struct{ sheet }

func newMoving(w *Window) screen { return &moving{w.sheet()} }

func (x *moving) show(flow.Snapshot) {}
