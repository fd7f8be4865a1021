package session

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// zeroconf's announcements count to three in a goroutine that cannot be
		// stopped and holds nothing open.
		goleak.IgnoreAnyFunction("github.com/grandcat/zeroconf.(*Server).probe"))
}
