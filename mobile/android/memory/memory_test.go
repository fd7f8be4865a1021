package memory

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/transporttest"
)

func TestTransport(t *testing.T) {
	t.Run("Store", func(t *testing.T) {
		transporttest.Run(t, transporttest.Capabilities{}, func(_ testing.TB, q transporttest.Quota) transporttest.Opener {
			s := new(Store)
			return func() (android.Transport, error) {
				return s.Open(Options{QuotaFull: q.Full, QuotaKV: q.KeyValue}), nil
			}
		})
	})
	t.Run("Volatile", func(t *testing.T) {
		transporttest.Run(t, transporttest.Capabilities{Volatile: true}, func(_ testing.TB, q transporttest.Quota) transporttest.Opener {
			return func() (android.Transport, error) {
				return new(Store).Open(Options{QuotaFull: q.Full, QuotaKV: q.KeyValue}), nil
			}
		})
	})
}
