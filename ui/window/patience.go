package window

import "github.com/ferry-move/ferry/app/flow"

// patience is shown while something needs its time, or another person.
type patience struct{ sheet }

func newPatience(w *Window) screen { return &patience{w.sheet()} }

func (x *patience) show(flow.Snapshot) {}
