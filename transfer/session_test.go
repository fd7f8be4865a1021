package transfer_test

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOverPipe(t *testing.T) {
	transfertest.Run(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() })
}

// Both devices count the same bytes as sent, also of files that travel in bundles.
func TestSentBytes(t *testing.T) {
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, manySmall(), fakephone.Config{Empty: true})
	e := r.Run(t.Context())
	mustAgree(t, e)
	if e.Sent.SentBytes == 0 || e.Taken.SentBytes != e.Sent.SentBytes {
		t.Errorf("the old phone says that %d bytes were sent, the new one %d", e.Sent.SentBytes, e.Taken.SentBytes)
	}
}
