package transfer

import (
	"context"

	"github.com/ferry-move/ferry/transfer/wire"
)

// Refuse ends a session that cannot begin, and says why. It closes c.
func Refuse(ctx context.Context, c Control, why wire.StopKind) {
	ctl := newControl(c)
	close(ctl.readDone)
	defer context.AfterFunc(ctx, ctl.close)()
	ctl.shutdown(stop(why))
}
