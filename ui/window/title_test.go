package window

import (
	"testing"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// titled is a screen whose heading is the other phone's name.
type titled struct{ sheet }

func (x *titled) show(s flow.Snapshot) {
	x.page.Show(kit.Column(0, kit.Sentence("first"), kit.Verdict(kit.Fine, s.Peer.Name)))
}

func TestTitle(t *testing.T) {
	f := newFace(t, flow.Snapshot{Screen: flow.Start})
	is := func(want string) {
		t.Helper()
		if got := f.win.Title(); got != want {
			t.Errorf("the window is called %q, not %q", got, want)
		}
	}
	start := f.win.Title()
	f.push(func() screen { return &titled{f.sheet()} })
	is("Ferry")
	f.see(flow.Snapshot{Screen: flow.Start, Peer: flow.Peer{Name: "Pixel 9"}})
	is("Pixel 9 – Ferry")
	f.back()
	is(start)
}
