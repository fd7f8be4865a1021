package transfer_test

import (
	"testing"

	"github.com/ferry-move/ferry/transfer/transfertest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOverPipe(t *testing.T) {
	transfertest.Run(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() })
}
