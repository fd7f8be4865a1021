package session

import (
	"context"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// Choice is what the person at the old phone chooses from.
type Choice struct {
	Peer  receipt.Side
	Plans []transfer.KindPlan
	// Free is the free space on the new phone in bytes, -1 = not known.
	Free int64
	// Preview asks the new phone what would become of a selection.
	Preview func(ctx context.Context, s Selection) (Preview, error)
}

// Selection is what is to move.
type Selection struct {
	// Kinds are those to move. nil = all.
	Kinds []backup.Kind
	// Leave reports whether an item stays. It may be called from several goroutines.
	// nil = none does.
	Leave func(backup.Kind, backup.Key) bool
}

// Preview is what would become of a selection.
type Preview struct {
	Kinds []PreviewKind
	// Free is the free space on the new phone in bytes, -1 = not known.
	Free int64
}

// PreviewKind is what would become of the items of one kind.
type PreviewKind struct {
	Kind                             backup.Kind
	Add, Merge, Skip, Rename, Cannot uint64
	// Bytes would come over the link.
	Bytes int64
}
