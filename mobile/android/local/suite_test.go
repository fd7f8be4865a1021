package local

import (
	"runtime"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/transporttest"
	"github.com/ferry-move/ferry/mobile/backup"
)

func TestTransport(t *testing.T) {
	for _, c := range []struct {
		name  string
		opt   Options
		batch int64
	}{
		{"Local", Options{}, batchBytes},
		{"D2D", Options{Flags: backup.FlagDeviceToDeviceTransfer, Device: android.DeviceD2D}, batchBytes},
		// Nearly everything is sorted on the disk, at several levels.
		{"SmallBatches", Options{}, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			transporttest.Run(t, transporttest.Capabilities{}, func(tb testing.TB, q transporttest.Quota) transporttest.Opener {
				opt := c.opt
				opt.Dir, opt.QuotaFull, opt.QuotaKV = tb.TempDir(), q.Full, q.KeyValue
				var last *Transport
				return func() (android.Transport, error) {
					if last != nil && runtime.GOOS == "windows" { // where a dead process has no files open
						if err := last.Close(); err != nil {
							return nil, err
						}
					}
					tr, err := Open(opt)
					if err != nil {
						return nil, err
					}
					tr.batch, last = c.batch, tr
					// Not before the end: the suite's processes are killed.
					tb.Cleanup(func() {
						if err := tr.Close(); err != nil {
							tb.Error(err)
						}
					})
					return tr, nil
				}
			})
		})
	}
}
