package window

import "github.com/ferry-move/ferry/app/flow"

// unlock asks for an archive's password.
type unlock struct{ sheet }

func newUnlock(w *Window) screen { return &unlock{w.sheet()} }

func (x *unlock) show(flow.Snapshot) {}
