package window

import "github.com/ferry-move/ferry/app/flow"

// what is where a person chooses what to move.
type what struct{ sheet }

func newWhat(w *Window) screen { return &what{w.sheet()} }

func (x *what) show(flow.Snapshot) {}
