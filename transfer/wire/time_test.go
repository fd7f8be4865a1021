package wire

import (
	"bytes"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// A modification time arrives as it was, the first moment of 1970 included,
// which Android's archives give to what describes an app.
func TestModTime(t *testing.T) {
	for _, want := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 0), time.Unix(1_700_000_000, 999_999_999), time.Unix(-2_208_988_800, 5),
	} {
		e := EntryOf(0, backup.Item{Type: backup.TypeFile, Key: "a", ModTime: want})
		b, err := Append(nil, &Items{First: 1, Entries: []Entry{e}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		got := m.(*Items).Entries[0].Item([]backup.Kind{"files"}, "").ModTime
		if got.IsZero() != want.IsZero() || !got.Equal(want) {
			t.Errorf("%v arrived as %v", want, got)
		}
	}
}
