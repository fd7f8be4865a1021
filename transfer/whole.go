package transfer

import (
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/wire"
)

// wholeFrom is the size in bytes from which a file that is here whole, and not
// yet forced to the disk, is worth a note: where the disk is slow much waits for
// it, and the process may be killed meanwhile.
const wholeFrom = 2 * wire.BlockSize

// whole describes a file that is here whole as something that a later run can go
// on with: only its last block comes again. It is called with in.mu held.
func (r *receiver) whole(in *inItem) (k journal.Kept, ok bool) {
	if _, can := in.staged.(backup.Keeper); !can || r.journal == nil || in.it.Size < wholeFrom || !keepable(in) ||
		in.fail != nil || in.have || in.temp == "" || in.tree == nil || !in.tree.Complete() {
		return k, false
	}
	k, have := in.part()
	k.Left.Held = k.Left.Length
	return k, have > 0 && r.journal.CanKeep(k)
}
