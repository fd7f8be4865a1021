package apps

import (
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

func TestClosingItem(t *testing.T) {
	it := ClosingItem("org.example", android.RestoreFull, 12)
	if it.Kind != Kind || it.Type != backup.TypeEntity || it.Key != "org.example" || it.Size != int64(len(it.Value)) {
		t.Errorf("%+v", it)
	}
	if w, ok := parseWhole(it.Value); !ok || w.form != android.RestoreFull || w.items != 12 {
		t.Errorf("%q is read as %+v, %v", it.Value, w, ok)
	}
}

func TestSetDigest(t *testing.T) {
	// The first half of BLAKE3's digest of nothing, as b3sum prints it.
	if d, err := SetDigest(strings.NewReader("")); d != "af1349b9f5f9a1a6a0404dea36dcc949" || err != nil {
		t.Errorf("%s, %v", d, err)
	}
}
