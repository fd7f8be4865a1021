package window

import "github.com/ferry-move/ferry/app/flow"

// code asks for the code on the new phone.
type code struct{ sheet }

func newCode(w *Window) screen { return &code{w.sheet()} }

func (x *code) show(flow.Snapshot) {}
