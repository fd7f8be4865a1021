package say

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/wire"
)

func TestEndingOf(t *testing.T) {
	here := func(k wire.StopKind) error { return &transfer.StopError{Kind: k} }
	there := func(k wire.StopKind) error { return &transfer.StopError{Kind: k, Remote: true} }
	for _, tt := range []struct {
		err  error
		want Ending
	}{
		{nil, Failed}, {errors.New("no"), Failed}, {p2p.ErrUnreachable, Failed}, {transfer.ErrLinkLost, Failed},
		{context.Canceled, Cancelled}, {here(wire.StopCancelled), Cancelled}, {there(wire.StopCancelled), CancelledThere},
		{there(wire.StopRefused), Refused}, {here(wire.StopRefused), Failed},
		{there(wire.StopUnpaired), Expired}, {here(wire.StopUnpaired), Failed}, {session.ErrGone, Expired},
		{there(wire.StopNoSpace), Failed}, {here(wire.StopTimeout), Failed},
		{errors.Join(journal.ErrBusy, there(wire.StopCancelled)), Failed},
		{errors.Join(there(wire.StopRefused), context.Canceled), Refused}, // what the other device says tells more
	} {
		for _, err := range []error{tt.err, fmt.Errorf("send: %w", tt.err)} {
			if got := EndingOf(err); got != tt.want && tt.err != nil {
				t.Errorf("%v: %v, want %v", err, got, tt.want)
			}
		}
	}
	if EndingOf(nil) != Failed {
		t.Error("nothing is an ending")
	}
}
