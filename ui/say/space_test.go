package say

import (
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
)

// TestSpace names the disk that is full, and what it lacks.
func TestSpace(t *testing.T) {
	t.Setenv("FERRY_HOME", "/own")
	for _, tt := range []struct {
		w    session.WaitingForSpace
		here bool
		want string
	}{
		{session.WaitingForSpace{Missing: 5_400_000}, true, "This disk is full, and lacks 5.4 MB. Free some space, and the move goes on by itself."},
		{session.WaitingForSpace{Missing: 1}, false, "The new phone is full, and lacks 1 B. Free some space on it, and the move goes on by itself."},
		{session.WaitingForSpace{Missing: 1 << 20, Of: transfer.ShortOwn}, true, "The disk with Ferry's own folder, /own, is full. Free 1.0 MB there, and the move goes on by itself."},
		{session.WaitingForSpace{Missing: 1 << 20, Own: true}, false, "The disk with Ferry's own folder, /own, is full. Free 1.0 MB there, and the move goes on by itself."},
		{session.WaitingForSpace{Missing: 1 << 20, Of: transfer.ShortOwn}, false, "The disk with Ferry's own folder on the new phone is full. Free 1.0 MB there, and the move goes on by itself."},
		{session.WaitingForSpace{Missing: 1, Of: transfer.ShortFiles}, true, "This disk takes no more files, however small: it has places for a certain number only. Delete some files, and the move goes on by itself."},
		{session.WaitingForSpace{}, true, "There is space again, and the move goes on."},
	} {
		if got := Space(tt.w, tt.here).String(); got != tt.want {
			t.Errorf("%+v: %s", tt.w, got)
		}
	}
}
