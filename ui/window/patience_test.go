package window

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
)

func TestPatience(t *testing.T) {
	golden(t, "opening", flow.Snapshot{Screen: flow.Opening, Role: flow.OldPhone, Place: "/home/ana/backup of my phone.ab"}, nil)
	golden(t, "counting", flow.Snapshot{Screen: flow.Counting, Role: flow.OldPhone, Peer: flow.Peer{Name: "Pixel 9"}}, nil)
	golden(t, "asked-there", flow.Snapshot{Screen: flow.AskedThere, Role: flow.OldPhone, Peer: flow.Peer{Name: "Pixel 9"}}, nil)
}

// Each of them says what is awaited, and Esc leads back.
func TestPatienceSays(t *testing.T) {
	tests := []struct {
		s    flow.Snapshot
		want string
	}{
		{flow.Snapshot{Screen: flow.Opening, Role: flow.NewPhone}, "This phone is getting ready to receive."},
		{flow.Snapshot{Screen: flow.Opening, Role: flow.OldPhone, Place: "/p"}, "/p A large archive takes a few minutes."},
		{flow.Snapshot{Screen: flow.Counting, Role: flow.OldPhone}, "The code is right"},
		{flow.Snapshot{Screen: flow.AskedThere, Role: flow.OldPhone}, "On the new phone, tap Accept"},
		{flow.Snapshot{Screen: flow.AskedThere, Role: flow.OldPhone, Peer: flow.Peer{Name: "a\u202eb"}}, `On a\u202eb, tap Accept`},
	}
	for _, tt := range tests {
		f := newFace(t, tt.s)
		if !f.says(tt.want) {
			t.Errorf("%v does not say %q:\n%s", tt.s.Screen, tt.want, f.text())
		}
		f.key(fyne.KeyEscape)
		f.wanted("back")
	}
}
