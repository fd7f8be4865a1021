package apps

import (
	"io"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// ClosingItem returns the item that closes an app, for a source other than a
// folder. items counts what was listed of the app without an error, folders
// too, and not this item.
func ClosingItem(pkg string, form android.RestoreType, items int64) backup.Item {
	value := wholeValue{form: form, items: items}.encode()
	return backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: backup.Key(pkg), Value: value, Size: int64(len(value))}
}

// SetDigest names a set of records by the stream that holds it: the Group of
// its items.
func SetDigest(stream io.Reader) (string, error) { return setDigest(stream) }
