package window

import "github.com/ferry-move/ferry/app/flow"

// asking asks whether what is offered may come.
type asking struct{ sheet }

func newAsking(w *Window) screen { return &asking{w.sheet()} }

func (x *asking) show(flow.Snapshot) {}
