package transfer_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// TestLinkLostAtGoodbye: a side that holds the receipt has nothing left to wait
// for, and one that does not has not finished.
func TestLinkLostAtGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := sending(t, nil, func(f *fake) {
			f.answers()
			f.takes(f.listed())
			f.agrees(nil)
			hear[*wire.Bye](f) // and no goodbye back
		})
		if _, err := receipt.Verify(e.report.Receipt); e.err != nil || err != nil || !e.report.Complete() {
			t.Errorf("the sender has the receipt: %v, %v", e.err, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		e := sending(t, nil, func(f *fake) {
			f.answers()
			f.takes(f.listed())
			f.say(hear[*wire.Totals](f))
			hear[*wire.Receipt](f)
		})
		if !errors.Is(e.err, transfer.ErrLinkLost) || e.report.Receipt != nil {
			t.Errorf("the sender has no receipt: %v", e.err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		e, _ := receiving(t, nil, func(f *fake) {
			f.opens()
			f.moves("Documents/a", "content")
			totals := f.finishes(1)
			f.say(totals, f.signs(totals, nil))
			hear[*wire.Receipt](f)
		})
		if _, err := receipt.Verify(e.report.Receipt); e.err != nil || err != nil {
			t.Errorf("the receiver has the receipt: %v, %v", e.err, err)
		}
	})
}
