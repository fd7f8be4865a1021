package archived_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/archived"
)

// Archives that Android made are sent as they are extracted.
func TestSamples(t *testing.T) {
	samples := os.Getenv("FERRY_SAMPLES")
	if samples == "" {
		t.Skip("FERRY_SAMPLES does not name a folder of real archives")
	}
	for _, name := range []string{"backup_telephony_no_password", "backup_file_with_long_name"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(samples, "android", name)
			d := open(t, path, archived.Options{})
			mustCount(t, d, d2d)
			dir, want := t.TempDir(), extracted(t, path)
			if tally := move(t, d, dir); tally.Failed != 0 {
				t.Errorf("%+v", tally)
			}
			mustEqual(t, tree(t, dir), want)
		})
	}
}
